"""Custom models: each served entity in a process of its own, loaded from an MLflow registry.

    process, fleet, environment, answers    in the workspace
    worker, loaded                          in the model's process

The two sides write lines of JSON to each other over a socket pair:

    workspace -> worker    {"uri", "memory_bytes"} once, then {"call", "body", "stream"} and {"cancel"}
    worker -> workspace    {"loaded"} or {"failed"} once, then of each call {"call", "status", "body"}, or
                           {"call", "chunk"}… and {"call", "end"}

What may never happen here:

- a model is loaded, or its code is run, in the workspace's own process;
- a worker sees a variable of the workspace's environment that is not listed in `environment`;
- a worker outlives the workspace, however that ends: the socket closes, and the worker kills its process group;
- `worker` and `loaded` import anything of the workspace but each other: a model's process starts clean.
"""
