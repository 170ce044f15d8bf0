"""This project beside its peers: the same work, in one run, on loopback.

    scripts/bench             measure all, write docs/performance.md, its plots and benchmarks/results.json
    scripts/bench --quick     judge what can be counted (requests, connections, imports, distributions), in small sizes

What belongs here: one module of `rows` for each family of comparisons, the clients that they drive (`clients`), and
what all share: `harness` takes turns and keeps samples, `report` and `plots` show them.

What may never happen here:

- a time is judged alone: machines are shared, so what counts are ratios of interleaved runs, medians with extremes;
- a peer is installed into the project's environment, or the project into theirs;
- a row is left out because it looks bad.
"""
