from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from provisioning.model.address import Address
from provisioning.reporters.graph import Graph, Node, mermaid
from provisioning.reporters.svg import svg

if TYPE_CHECKING:
    from tests.provisioning.conftest import Configs, Provision, Writes

SVG = "{http://www.w3.org/2000/svg}"


def nodes(*names: str) -> tuple[Node, ...]:
    return tuple(Node(Address(name), "create", (name, "endpoint", "+ create")) for name in names)


def boxes(text: str) -> dict[str, tuple[float, float]]:
    """Each box's left and top, by its first line."""
    found = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):  # noqa: S314 - our own text
        frame, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert frame is not None
        assert label is not None
        found[str(label.text)] = (float(frame.attrib["x"]), float(frame.attrib["y"]))
    return found


@pytest.mark.usefixtures("workspace")
def test_endpoint_comes_after_the_scope_it_refers_to(configs: Configs, provision: Provision, writes: Writes) -> None:
    result = provision("graph", configs)

    assert result.code == 0, result.err
    assert result.out.startswith("flowchart LR")
    names = dict(re.findall(r'(n\d+)\["(\w+)<br/>', result.out))
    [(first, second)] = re.findall(r"(n\d+) --> (n\d+)", result.out)
    assert (names[first], names[second]) == ("llm", "chat")
    assert writes() == []


@pytest.mark.usefixtures("workspace")
def test_what_stays_as_it_is_is_drawn_with_its_dependencies(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes")

    result = provision("graph", configs)

    assert result.out.count(":::unchanged") == 2
    assert "-->" in result.out


@pytest.mark.usefixtures("workspace")
def test_selection_is_drawn_with_what_it_depends_on(configs: Configs, provision: Provision) -> None:
    configs.content["resources"]["secret_scopes"]["other"] = {"name": "other"}
    configs.write()

    assert set(re.findall(r'\["(\w+)<br/>', provision("graph", configs, "--select", "chat").out)) == {"llm", "chat"}
    assert set(re.findall(r'\["(\w+)<br/>', provision("graph", configs, "--select", "other").out)) == {"other"}


@pytest.mark.usefixtures("workspace")
def test_picture_puts_the_scope_left_of_the_endpoint(configs: Configs, provision: Provision) -> None:
    placed = boxes(provision("graph", configs, "--as", "svg").out)

    assert placed["llm"][0] < placed["chat"][0]


def test_no_two_boxes_share_a_place() -> None:
    placed = boxes(svg(Graph("t", nodes("a", "b", "c", "d"), ((0, 2), (1, 2), (0, 3)))))

    assert len(set(placed.values())) == 4
    assert placed["a"][0] == placed["b"][0] < placed["c"][0] == placed["d"][0]


def test_circle_ends() -> None:
    placed = boxes(svg(Graph("t", nodes("a", "b"), ((0, 1), (1, 0)))))

    assert set(placed) == {"a", "b"}


def test_nothing_is_a_picture_too() -> None:
    assert boxes(svg(Graph("t", (), ()))) == {}
    assert mermaid(Graph("t", (), ())).startswith("flowchart LR")


@pytest.mark.parametrize("hostile", ['a"]; click n0 "javascript:x"', "<script>x</script>", "a#quot;b", "& ]--> x"])
def test_name_is_text_and_nothing_else(hostile: str) -> None:
    drawn = Graph("t", nodes(hostile), ())

    assert boxes(svg(drawn)).keys() == {hostile}
    label = re.search(r'n0\["(.*)"\]:::create', mermaid(drawn))
    assert label is not None
    assert not set('"<>') & set(label[1].replace("<br/>", ""))
