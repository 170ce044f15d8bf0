"""Carry a plan out: its steps, in an order that holds, as parallel as it may be.

What belongs here: the graph of a plan's changes, the pool of workers that goes through it, one function for each
operation, and what happened, told as events.

What may never happen here: a change that the plan does not show; a retry of what the SDK already retries; a write
that is begun after the user pressed Ctrl-C.
"""
