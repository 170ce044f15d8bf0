"""`python -m provisioning` without its pace: 50 writes to endpoints in 5 minutes would be all there is to measure."""

from __future__ import annotations

from provisioning.__main__ import main
from provisioning.workspace.pacing import Pace

if __name__ == "__main__":
    Pace.wait = lambda _self, **_options: None  # type: ignore[method-assign] # the one thing that a user cannot turn off
    main()
