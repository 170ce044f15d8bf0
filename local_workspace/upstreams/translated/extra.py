"""What to say where the extra that brings the vendors' clients is not installed."""

from __future__ import annotations

from local_workspace.errors import ApiError


def missing_extra(missing: ImportError) -> ApiError:
    """Return the 501 for a call that needs the extra.

    Args:
        missing: What could not be imported.
    """
    package = f"'{missing.name}'" if missing.name else "one of its packages"
    return ApiError(
        501,
        "NOT_IMPLEMENTED",
        f"Providers with a wire format of their own are called through any-llm-sdk, and {package} is not installed. "
        "Install the extra: pip install 'gatewright[providers]'",
    )
