"""The clients that are compared: `bare` uses none, `ours` is this project, `theirs` are the peers.

Each module is a worker's child (see `benchmarks.workers`) and imports nothing of the others' environments.
"""
