"""Parts of a package, without all else that its `__init__` imports."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_DOOR = threading.RLock()


def defer_body(name: str) -> None:
    """Let a package's `__init__` run when a name is first asked for that only it defines, and not before.

    Its modules can be imported without it, and nobody can tell the difference but by the time it takes. A package that
    is loaded already, or is not installed, is left alone.

    Args:
        name: the package's full name.
    """
    if name in sys.modules or (spec := find_spec(name)) is None:
        return
    package = module_from_spec(spec)
    package.__class__ = _Deferred
    parent, _, last = name.rpartition(".")
    # where another thread imports it at this moment, that one counts
    setattr(sys.modules[parent], last, sys.modules.setdefault(name, package))


class _Deferred(ModuleType):
    """A package whose `__init__` has not run to its end."""

    _runs = False

    def __getattr__(self, name: str) -> object:
        """Fetch what is not there: a module of the package by itself, all else by running `__init__`."""
        if find_spec(f"{self.__name__}.{name}") is not None:
            return import_module(f"{self.__name__}.{name}")
        with _DOOR:
            if type(self) is _Deferred and not self._runs:  # it may have run while we stood at the door
                self._run()
        return ModuleType.__getattribute__(self, name)

    def _run(self) -> None:
        spec = self.__spec__
        if spec is None or spec.loader is None:
            raise AssertionError("it was made from a spec with a loader")
        self._runs = True  # what it imports may look into the package
        try:
            spec.loader.exec_module(self)
        finally:
            del self._runs
        self.__class__ = ModuleType  # type: ignore[assignment] # from here on it is as any other
