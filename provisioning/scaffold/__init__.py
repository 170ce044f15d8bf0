"""What `init` writes: configs to start from, and the workflows that plan, apply and watch them.

What belongs here: the templates, as the files that they become, and the function that fills them in.

What may never happen here: a file written; an action that is not pinned by its full commit; a personal access
token in any template.
"""
