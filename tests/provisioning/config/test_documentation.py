from __future__ import annotations

import re
from pathlib import Path

from provisioning.config.blocks import MANAGED
from provisioning.config.codes import CODES
from provisioning.config.references import WORKSPACE_FACTS
from provisioning.model.secret import SOURCES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "configs.md").read_text(encoding="utf-8")


def test_every_code_is_in_the_table_as_the_program_has_it() -> None:
    rows = re.findall(r"^\| (P\d+) \| (\S+) \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(code, each.title, each.severity, each.meaning) for code, each in CODES.items()]


def test_every_code_that_is_reported_is_known() -> None:
    used: set[str] = set()
    for path in (ROOT / "provisioning" / "config").glob("*.py"):
        used |= set(re.findall(r'"(P\d{3})"', path.read_text(encoding="utf-8")))
    assert used == set(CODES)


def test_every_source_and_resource_type_is_explained() -> None:
    assert all(f"`{{{kind}: " in PAGE for kind in SOURCES)
    assert all(f"`resources.{kind}`" in PAGE for kind in MANAGED)
    assert all(fact.rpartition(".")[2] in PAGE for fact in WORKSPACE_FACTS)
