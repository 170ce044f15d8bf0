"""`python -m provisioning`, and the console script `gatewright-provisioning`."""

from __future__ import annotations

from provisioning.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
