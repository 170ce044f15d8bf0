"""A small real model on this machine: llama.cpp's server, in a process of its own, on loopback.

    installed    where the server and the model's weights are
    process      one server, from its start to its end
    keeper       the process between: it ends the server when the workspace is gone
    answers      calls to pay-per-token endpoints, asked of it
    command      the same server as an upstream for external models, with a key

What may never happen here:

- anything is downloaded: what is not installed is named, with the command that installs it;
- the server runs without a key, listens beyond loopback, or sees the environment of whoever started it;
- the server outlives the workspace, however that ends: `keeper` reads a pipe that closes with it.
"""
