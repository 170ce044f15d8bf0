"""Asks a real workspace what no public source settles, and whether the ledger's rules hold there.

What belongs here: checks of single rules over HTTP, the scratch objects they need, the report and the fixtures made
of their answers. What may never happen here:

- a request goes to another host than the one that was named, or in plain text beyond loopback;
- an object is touched that this run did not make;
- an object stays behind unsaid, however the run ends;
- a token, a name or an id of the workspace stands in what is written down.
"""
