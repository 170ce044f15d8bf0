"""HTTP to workspace and back: one module an API family, each exporting its own Starlette `routes`.

A handler reads fields, calls one method of `resources`, and names the answer's fields. It holds no rule.
"""
