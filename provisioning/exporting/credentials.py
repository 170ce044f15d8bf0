"""Credentials that were given in the clear: the workspace never returns them, and a config cannot go without."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from provisioning.exporting.entry import Fields, why_not
from provisioning.model.providers import CONFIG_OF, ExternalModel
from provisioning.model.values import references_in
from provisioning.planning.field_rules import SETTABLE

if TYPE_CHECKING:
    from pydantic import JsonValue

_PROVIDER = "config.served_entities[].external_model."
_TWIN = "_plaintext"
_PLACE = "{{secrets/replace-me/%s}}"
_OWN_SCOPE = "endpoint:"
"""Some workspaces show where they keep such a credential: in a scope of the endpoint's own, closed to everybody."""

_MOST = 2
"""Credentials that one provider needs at once: Bedrock's key has two halves."""


def with_credentials(model: Fields, remarks: list[str]) -> Fields:
    """Return an external model with a reference in place of each credential that cannot be read back.

    Args:
        model: the live external model.
        remarks: told of each place where a reference has to be put right.
    """
    block = CONFIG_OF.get(str(model.get("provider")))
    if block is None:
        return model
    known = _without_closed_references(model.get(block))
    paths = [
        each.removeprefix(f"{_PROVIDER}{block}.").removesuffix(_TWIN)
        for each in sorted(SETTABLE)
        if each.startswith(f"{_PROVIDER}{block}.") and each.endswith(_TWIN)
    ]
    for count in range(_MOST + 1):
        for chosen in combinations(paths, count):
            filled = {**model, block: _filled(known, chosen)}
            if why_not(ExternalModel, filled) is None:
                remarks.extend(f"{each} cannot be read back: put it into a scope and refer to it" for each in chosen)
                return filled
    return model


def _without_closed_references(settings: JsonValue) -> Fields:
    if not isinstance(settings, dict):
        return {}
    return {
        name: _without_closed_references(each) if isinstance(each, dict) else each
        for name, each in settings.items()
        if not (isinstance(each, str) and any(key.scope.startswith(_OWN_SCOPE) for key in references_in(each)))
    }


def _filled(settings: Fields, paths: tuple[str, ...]) -> Fields:
    filled = dict(settings)
    for path in paths:
        outer, dot, name = path.rpartition(".")
        if not dot:
            filled.setdefault(name, _PLACE % name)
        elif isinstance(inner := filled.get(outer), dict):
            filled[outer] = {name: _PLACE % name, **inner}
    return filled
