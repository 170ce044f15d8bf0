"""From what is live to configs that say so: what `export` writes, `plan` finds nothing to change in.

What belongs here: one module for each kind of resource that turns a live object into a config's fields, and the
files that they are laid out in, as text.

What may never happen here: a call, a file written, a secret's value (keys are exported as `external`), a config
that does not load.
"""
