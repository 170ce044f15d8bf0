"""The parity ledger: what this workspace claims of the real one, how sure that is, and which test shows it.

What belongs here: each rule and each route that the workspace implements with its certainty and source; the page
made of them. What may never happen here: a rule without a source, a certainty better than its source, or a test run
(witnesses are read from the tests' text).
"""
