"""Every command and snippet that README.md and docs/ show is run, in the order of its page.

    ```sh       each command runs in a scratch folder that holds a copy of configs/ (`$ ` prompts are dropped)
    ```python   runs as a program, with DATABRICKS_HOST and DATABRICKS_TOKEN of a workspace that configs/ was applied to
    ```yaml     loads as a config file of its own, or as the file of configs/ that is named before it

A comment on the line before a block says what is special about it: why it cannot run here (<!-- not run: the reason
-->), that it is meant to fail and how (<!-- exit 3 -->), or which file of configs/ it stands for (<!-- file: NAME -->).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from forked_programs import run

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(
    r"(?:<!-- (?P<remark>[^\n]*?) -->\n)?^```(?P<language>sh|console|python|yaml)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Snippet:
    """One fenced block of a page, with the line it starts on."""

    line: int
    language: str
    body: str
    exit_code: int
    file: str | None

    def commands(self) -> list[str]:
        """The shell commands of the block: continued lines joined, comments and shown output dropped."""
        lines = self.body.replace("\\\n", " ").splitlines()
        if self.language == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if line.strip() and not line.startswith("#")]


def snippets(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        remark = found["remark"] or ""
        if remark.startswith("not run: "):
            continue
        exit_code = int(remark.removeprefix("exit ")) if remark.startswith("exit ") else 0
        file = remark.removeprefix("file: ") if remark.startswith("file: ") else None
        yield Snippet(text.count("\n", 0, found.start("body")), found["language"], found["body"], exit_code, file)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a reader's shell has: this interpreter as `python`, a stand-in key, nothing of the developer's."""
    bin_folder = tmp_path / ".bin"
    bin_folder.mkdir()
    (bin_folder / "python").symlink_to(sys.executable)
    return {
        "PATH": f"{Path(sys.executable).parent}:{bin_folder}:/usr/bin:/bin",
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "sk-docs-stand-in",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_snippet_of_the_page_runs(page: Path, scratch: Path, environment: dict[str, str]) -> None:
    found = list(snippets(page))
    if any(snippet.language == "python" for snippet in found):
        with LocalWorkspace() as workspace:
            served = {**environment, "DATABRICKS_HOST": workspace.host, "DATABRICKS_TOKEN": workspace.token}
            applied = run([sys.executable, "-m", "provisioning", "apply", "configs", "--yes"], cwd=scratch, env=served)
            assert applied.returncode == 0, applied.stderr
            run_snippets(page, found, scratch, environment, served)
    else:
        run_snippets(page, found, scratch, environment, environment)


def run_snippets(
    page: Path, found: list[Snippet], scratch: Path, shell: dict[str, str], application: dict[str, str]
) -> None:
    for snippet in found:
        place = f"{page.relative_to(ROOT)}:{snippet.line}"
        for arguments, env in invocations(snippet, scratch, shell, application):
            done = run(arguments, cwd=scratch, env=env)
            assert done.returncode == snippet.exit_code, f"{place}: {arguments}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr, f"{place}: {arguments}\n{done.stderr}"


def invocations(
    snippet: Snippet, scratch: Path, shell: dict[str, str], application: dict[str, str]
) -> Iterator[tuple[list[str], dict[str, str]]]:
    match snippet.language:
        case "python":
            program = scratch / f"snippet_{snippet.line}.py"
            program.write_text(snippet.body, encoding="utf-8")
            yield [sys.executable, str(program)], application
        case "yaml" if snippet.file:
            folder = scratch / f"snippet_{snippet.line}"
            shutil.copytree(ROOT / "configs", folder)
            (folder / snippet.file).write_text(snippet.body, encoding="utf-8")
            yield [sys.executable, "-m", "provisioning", "validate", "--strict", str(folder)], shell
        case "yaml":
            config = scratch / f"snippet_{snippet.line}" / "databricks.yml"
            config.parent.mkdir()
            config.write_text(snippet.body, encoding="utf-8")
            yield [sys.executable, "-m", "provisioning", "validate", str(config)], shell
        case _:
            for command in snippet.commands():
                yield invocation(command), shell


SHELL = re.compile(r"[|&;<>$`*?~(){}\\\n]|^\w+=")


def invocation(command: str) -> list[str]:
    if not SHELL.search(command) and command.startswith("python -m "):
        return [sys.executable, *shlex.split(command, comments=True)[1:]]
    return ["bash", "-euo", "pipefail", "-c", command]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_not_run_says_why(page: Path) -> None:
    for remark in re.findall(r"<!-- not run:(.*?)-->", page.read_text(encoding="utf-8")):
        assert len(remark.split()) >= 3, f"{page.name}: give the reason, not only {remark!r}"


LINK = re.compile(r"(?<!\!)\[[^\]]+\]\((?!https?:)(?P<target>[^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / link["target"]).exists(), f"{page.name}: {link['target']}"
