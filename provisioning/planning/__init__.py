"""Compare what is declared with what is live. Pure: no I/O, no clock, no secret's value.

What belongs here: the rules of single fields (a table), the comparison by those rules, one module for each kind
of resource that turns differences into changes with steps, and the guards that stop a plan.

What may never happen here: a call, a write, a decision that the plan does not show.
"""
