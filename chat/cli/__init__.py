"""The command line: flags to a call, an answer to stdout, an error to one message and an exit code.

What belongs here: all that prints, prompts or decides an exit code. What may never happen here: a rule about calling an
endpoint (that is the core's).

    exit codes: 0 answered · 1 error · 2 usage · 4 not ready in time · 130 interrupted
"""

from chat.cli.entry import run

__all__ = ["run"]
