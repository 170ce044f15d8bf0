"""The page for everybody: without a mouse, without eyes, in the dark, and on a telephone; and its pictures."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import local_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api
    from tests.local_workspace.ui.conftest import Tab

IMAGES = Path(local_workspace.__file__).parents[1] / "docs/images"
REDRAW = bool(os.environ.get("GATEWRIGHT_SCREENSHOTS"))
"""Set to anything, the pictures in docs/images are made anew."""

CONTROLS = {"button", "checkbox", "combobox", "textbox", "spinbutton", "DisclosureTriangle", "link"}

# The contrast of each text that is seen with what is behind it, below what WCAG asks of ordinary text.
FAINT = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = rgba(colour).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (it) => {
    for (let each = it; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  return [...document.body.querySelectorAll("*")].filter((it) => {
    const worded = [...it.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    return worded && it.checkVisibility() && !it.disabled && !it.closest("option, optgroup");
  }).flatMap((it) => {
    const [one, other] = [light(getComputedStyle(it).color), light(behind(it))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return ratio < 4.5 ? [`${it.tagName} ${it.className}: ${ratio}`] : [];
  });
})()
"""


@pytest.fixture
def busy_workspace(workspace: LocalWorkspace, api: Api, openai_entity: Callable[..., Any]) -> LocalWorkspace:
    """A workspace with a bit of everything, at a time that is always the same."""
    for scope, keys in {"llm-prod": ("openai", "anthropic"), "llm-test": ("openai",)}.items():
        api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": scope})
        for key in keys:
            api.ok("POST", "/api/2.0/secrets/put", {"scope": scope, "key": key, "string_value": "sk-canary"})
    entities = [openai_entity(each, key="{{secrets/llm-prod/openai}}") for each in ("gpt-5", "gpt-5-mini")]
    routes = [
        {"served_model_name": "gpt-5", "traffic_percentage": 80},
        {"served_model_name": "gpt-5-mini", "traffic_percentage": 20},
    ]
    gateway = {"usage_tracking_config": {"enabled": True}, "rate_limits": [{"calls": 50, "renewal_period": "minute"}]}
    config = {"served_entities": entities, "traffic_config": {"routes": routes}}
    made = {"name": "support-chat", "config": config, "ai_gateway": gateway}
    api.ok("POST", "/api/2.0/serving-endpoints", made)
    workspace.endpoints.fail("search-*", message="The provider refused the key.")
    failing = {"served_entities": [openai_entity("gpt-5", key="{{secrets/llm-test/openai}}")]}
    api.ok("POST", "/api/2.0/serving-endpoints", {"name": "search-summaries", "config": failing})
    question = {"messages": [{"role": "user", "content": "hi"}]}
    for _ in range(4):
        api.ok("POST", "/serving-endpoints/support-chat/invocations", question)
    assert api("POST", "/serving-endpoints/search-summaries/invocations", question).status == 503
    fault = {"kind": "status", "status": 429, "retry_after": 2, "times": 2, "offset": 20}
    workspace.faults.arm([{"match": {"method": "POST", "path": "/serving-endpoints/*"}, **fault}])
    return workspace


def all_open(tab: Tab) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    tab.see_text("#endpoints .own", "80 % of the traffic")
    tab.see_text("#scopes", "anthropic")


def test_everything_can_be_done_by_keyboard(tab: Tab, workspace: LocalWorkspace) -> None:
    def tab_to(selector: str) -> None:
        for _ in range(60):
            tab.press("Tab")
            if tab.evaluate(f"document.activeElement.matches({selector!r})"):
                assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return
        pytest.fail(f"no way to {selector}")

    tab.go(workspace.page)
    tab.see("document.activeElement.id === 'token'")
    tab.type(workspace.token)
    tab.press("Enter", text="\r")
    tab.see_text("#health", "up to date")
    tab_to(".group > summary")
    tab.press("Enter", text="\r")
    tab_to(".given summary")
    tab.press("Enter", text="\r")
    tab.see_text(".given .entities", "system.ai.bge_large_en_v1_5")
    tab_to("#prompt")
    tab.type("hello")
    tab.press("Enter", text="\r")
    tab.see_text(".figures", "whole after")
    tab_to("#faults [type=submit]")
    tab.press("Enter", text="\r")
    tab.see_text("#faults .armed", "status 503")
    assert len(workspace.faults.view()) == 1


def test_a_new_look_moves_neither_the_keyboard_nor_what_is_folded_out(
    tab: Tab, api: Api, workspace: LocalWorkspace
) -> None:
    tab.enter(workspace)
    tab.evaluate("document.querySelector('.group').open = true")
    tab.evaluate("document.querySelector('.given summary').focus()")
    tab.press("Enter", text="\r")
    api.ok("POST", "/serving-endpoints/databricks-bge-large-en/invocations", {"input": "a"})
    tab.look_again()
    tab.see_text(".given", "1 call, 0 errors")
    assert tab.evaluate("document.activeElement === document.querySelector('.given summary')")
    assert tab.evaluate("document.querySelector('.given details').open")


def test_every_control_has_a_name_and_every_part_a_heading(tab: Tab, busy_workspace: LocalWorkspace) -> None:
    tab.enter(busy_workspace)
    all_open(tab)
    nodes = [each for each in tab.ask("Accessibility.getFullAXTree")["nodes"] if not each["ignored"]]
    controls = [each for each in nodes if each["role"]["value"] in CONTROLS]
    assert len(controls) > 20
    assert [each for each in controls if not each.get("name", {}).get("value")] == []
    regions = {each["name"]["value"] for each in nodes if each["role"]["value"] == "region"}
    assert {"Endpoints", "Playground", "Recent calls", "Secret scopes", "Faults"} <= regions
    assert tab.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out(open_tab: Callable[..., Tab], busy_workspace: LocalWorkspace, *, dark: bool) -> None:
    tab = open_tab(dark=dark)
    tab.go(busy_workspace.page)
    assert tab.evaluate(FAINT) == []
    tab.enter(busy_workspace)
    all_open(tab)
    assert tab.evaluate(FAINT) == []
    red, green, blue = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue < 3 * 128) is dark


def test_it_fits_a_telephone(open_tab: Callable[..., Tab], busy_workspace: LocalWorkspace) -> None:
    tab = open_tab(width=360, height=800)
    tab.go(busy_workspace.page)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    tab.enter(busy_workspace)
    all_open(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    beyond = "[...document.querySelectorAll('main *')].filter((it) => it.checkVisibility() &&"
    beyond += " !it.closest('.scroll, table, option, optgroup') && it.getBoundingClientRect().right > 360).length"
    assert tab.evaluate(beyond) == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("page-light", {"width": 1000, "height": 900}),
        ("page-dark", {"width": 1000, "height": 700, "dark": True}),
        ("page-narrow", {"width": 360, "height": 700}),
    ],
)
def test_its_pictures_are_those_of_the_docs(
    open_tab: Callable[..., Tab], busy_workspace: LocalWorkspace, name: str, options: dict[str, Any]
) -> None:
    tab = open_tab(**options)
    tab.enter(busy_workspace)
    tab.evaluate("document.querySelectorAll('.own details').forEach((each) => each.open = true)")
    tab.see_text("#endpoints .own", "80 % of the traffic")
    tab.choose("#model", "support-chat")
    tab.fill("#prompt", "Which rivers flow through Vienna?")
    tab.press("Enter", text="\r")
    tab.see_text(".figures", "whole after")
    tab.evaluate("document.activeElement.blur()")
    picture = tab.screenshot()
    assert struct.unpack(">II", picture[16:24]) == (options["width"], options["height"])
    file = IMAGES / f"{name}.png"
    if REDRAW:
        file.write_bytes(picture)
    assert struct.unpack(">II", file.read_bytes()[16:24]) == (options["width"], options["height"])
    assert file.stat().st_size < 200_000
    assert f"images/{name}.png" in (IMAGES.parent / "local_workspace.md").read_text()
