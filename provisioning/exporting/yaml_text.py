"""Fields as YAML that our loader, and everybody else's, reads as the same fields."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import yaml

from provisioning.config.parser import scalar_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

_LONGEST_REMARK = 110


class _Dumper(yaml.SafeDumper):
    """Quotes every text that any reader of YAML could take for something else, and never uses aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 - PyYAML's own
        del indentless
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML knows what YAML 1.1 would misread; `1e3` and the like are numbers to later versions and to us
    style = None if isinstance(scalar_of(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_of(fields: Mapping[str, JsonValue], *, indent: int = 0) -> str:
    """Return fields as lines of YAML.

    Args:
        fields: what to say, in this order.
        indent: spaces before each line.
    """
    dumped: str = yaml.dump(
        dict(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=False
    )
    return textwrap.indent(dumped, " " * indent)


def remark(text: str, *, indent: int = 0) -> str:
    """Return a text as lines of comment."""
    lead = f"{' ' * indent}# "
    printable = "".join(each if each.isprintable() else " " for each in text)
    return "".join(f"{lead}{line}\n" for line in textwrap.wrap(printable, _LONGEST_REMARK - indent) or [""])
