"""A real Chromium without a window, driven through the DevTools protocol over a pair of pipes.

Debian's package does (`apt-get install -y chromium`); without any, these tests skip. Nothing is downloaded, and no name
resolves, so that the browser stays on this machine.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20.0
"""Seconds that the browser may take for anything."""

_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

# Resolves with the first truthy value of an expression, looked at again whenever the page changes.
_AWAITED = """
new Promise((found, failed) => {
  const late = setTimeout(() => failed(new Error("not seen: " + document.body.innerText)), %(ms)d);
  const watch = new MutationObserver(look);
  watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  function look() {
    let value;
    try { value = %(expression)s } catch { return } // the page is not that far yet
    if (value) { clearTimeout(late); watch.disconnect(); found(value); }
  }
  look();
})
"""


class NavigatedError(AssertionError):
    """The page was left while it was asked something."""


class Pipe:
    """The browser's end of a conversation: JSON objects, each ended by a NUL."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._heard = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, *, session: str | None = None, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._writing, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            heard = self.hear()
            if heard.get("id") == self._number:
                if "navigated" in heard.get("error", {}).get("message", ""):
                    raise NavigatedError
                assert "error" not in heard, (method, heard["error"])
                result: dict[str, Any] = heard["result"]
                return result

    def hear(self) -> dict[str, Any]:
        """Return the next message; events are kept as well."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._reading], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            chunk = os.read(self._reading, 1 << 20)
            assert chunk, "the browser is gone"
            self._heard += chunk
        raw, _, self._heard = self._heard.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        if "method" in message:
            self.events.append(message)
        return message


class Tab:
    """A tab with storage of its own."""

    def __init__(self, pipe: Pipe, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self._pipe = pipe
        self._context = pipe.ask("Target.createBrowserContext")["browserContextId"]
        target = pipe.ask("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        self._session = pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def close(self) -> None:
        self._pipe.ask("Target.disposeBrowserContext", browserContextId=self._context)
        self._pipe.events.clear()

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._pipe.ask(method, session=self._session, **parameters)

    def events(self, method: str) -> list[dict[str, Any]]:
        heard = [each for each in self._pipe.events if each.get("sessionId") == self._session]
        return [each["params"] for each in heard if each["method"] == method]

    def go(self, url: str) -> None:
        loads = len(self.events("Page.loadEventFired"))
        self.ask("Page.navigate", url=url)
        while len(self.events("Page.loadEventFired")) == loads:
            self._pipe.hear()

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - any JSON value
        answer = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def see(self, expression: str) -> Any:  # noqa: ANN401 - any JSON value
        """Wait until an expression is true on the page, or on the one that it becomes, and return it."""
        while True:
            with contextlib.suppress(NavigatedError):
                return self.evaluate(_AWAITED % {"ms": int(PATIENCE * 900), "expression": expression})

    def see_text(self, selector: str, text: str) -> str:
        """Wait until an element shows a text, and return all that it shows."""
        here = f"document.querySelector({json.dumps(selector)})?.innerText"
        shown: str = self.see(f"{here}?.includes({json.dumps(text)}) && {here}")
        return shown

    def text(self, selector: str = "body") -> str:
        shown: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return shown

    def focus(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")

    def click(self, selector: str) -> None:
        """Click where the element is, as a mouse does."""
        place = self.evaluate(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return {x: box.x + box.width / 2, y: box.y + box.height / 2} })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def press(self, key: str, *, text: str = "", modifiers: int = 0) -> None:
        code = {"Enter": 13, "Tab": 9, " ": 32}[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def choose(self, selector: str, value: str) -> None:
        self.evaluate(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)}); it.value = {json.dumps(value)};"
            " it.dispatchEvent(new Event('change', {bubbles: true})) })()"
        )

    def fill(self, selector: str, text: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).value = ''")
        self.focus(selector)
        self.type(text)

    def enter(self, workspace: LocalWorkspace) -> None:
        """Open the page and come in."""
        self.go(workspace.page)
        self.fill("#token", workspace.token)
        self.press("Enter", text="\r")
        self.see_text("#health", "up to date")

    def ask_model(self, question: str, *, endpoint: str = "databricks-gpt-5") -> None:
        """Put a question in the playground."""
        self.see(f"[...document.querySelector('#model').options].some((each) => each.value === '{endpoint}')")
        self.choose("#model", endpoint)
        self.fill("#prompt", question)
        self.press("Enter", text="\r")

    def answered(self, question: str) -> None:
        """Put a question in the playground, and wait until it is answered whole."""
        self.ask_model(question)
        self.see_text("#playground .figures", "whole after")

    def look_again(self) -> None:
        """Let the page look at the workspace now."""
        self.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def screenshot(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def answer_requests(self, forge: Callable[[str], object], *, until: str) -> None:
        """Answer what `Fetch.enable` holds back, in the workspace's place, until an expression is true on the page."""
        answered = 0
        while not self.evaluate(f"Boolean({until})"):
            held = self.events("Fetch.requestPaused")
            if len(held) == answered:
                self._pipe.hear()
                continue
            paused = held[answered]
            answered += 1
            body = base64.b64encode(json.dumps(forge(urlsplit(paused["request"]["url"]).path)).encode()).decode()
            with contextlib.suppress(AssertionError):  # it was answered before, or given up meanwhile
                self.ask("Fetch.fulfillRequest", requestId=paused["requestId"], responseCode=200, body=body)

    def complaints(self) -> list[str]:
        """What the browser itself objected to: errors of scripts, and what the page's policy refused."""
        thrown = [str(each["exceptionDetails"]) for each in self.events("Runtime.exceptionThrown")]
        logged = [each["entry"] for each in self.events("Log.entryAdded")]
        return thrown + [each["text"] for each in logged if each["source"] in {"security", "javascript"}]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium here to open the page with: apt-get install -y chromium")
    with _running(program, tmp_path_factory.mktemp("chromium")) as pipe:
        yield pipe


@contextlib.contextmanager
def _running(program: str, home: Path) -> Iterator[Pipe]:
    (orders, ours), (answers, theirs) = os.pipe(), reversed(os.pipe())
    # The browser takes orders from descriptor 3 and answers on 4; there a shell puts these, out of each other's way.
    ends = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 20) for each in (orders, answers)]
    flags = [*_FLAGS, f"--user-data-dir={home}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    command = ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", program, *flags, "about:blank"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, pass_fds=ends, env=environment, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        for each in (orders, answers, *ends):
            os.close(each)
        pipe = Pipe(theirs, ours)
        try:
            yield pipe
            pipe.ask("Browser.close")
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
            os.close(ours)
            os.close(theirs)


@pytest.fixture
def open_tab(chromium: Pipe) -> Iterator[Callable[..., Tab]]:
    """Opens tabs: `open_tab(width=360, dark=True)`."""
    with contextlib.ExitStack() as stack:

        def opened(**options: Any) -> Tab:  # noqa: ANN401 - Tab's own options
            return stack.enter_context(contextlib.closing(Tab(chromium, **options)))

        yield opened


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab()


@pytest.fixture
def page(tab: Tab, workspace: LocalWorkspace) -> Tab:
    """The page, with the token given."""
    tab.enter(workspace)
    return tab


@pytest.fixture
def workspace() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running
