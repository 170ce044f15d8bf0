"""Turn values into text: a plan, an event, an outcome, a diagnostic.

What belongs here: functions from one value to one string, a module for each format.

What may never happen here: output of any kind, a look at the terminal or the environment, text from a server
that did not pass through `inert`.
"""
