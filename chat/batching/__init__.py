"""Many prompts from a file, their answers into another: bounded, resumable, every row exactly once.

What belongs here: the rows' formats, the output file that survives a kill, and the workers that share one client. What
may never happen here: a rule about a single call (that is `chat.flow`), or printing (that is `chat.cli`).
"""

from chat.batching.run import Progress, Summary, abatch, batch

__all__ = ["Progress", "Summary", "abatch", "batch"]
