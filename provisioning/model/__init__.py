"""Frozen values and nothing else: what a config declares, what a workspace holds, and what lies between.

What belongs here: pydantic models of the resources, with a sentence for each field (the JSON Schema and the
docs are derived from them), the two snapshots `Desired` and `Live`, the `Plan`, and the events of an apply.

What may never happen here: I/O of any kind, an import of databricks, yaml, tenacity, threading or time, a
mutable model, or a field that holds a secret's value.
"""
