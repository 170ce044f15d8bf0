"""Configs that mean no good, by hand and by mutation: each ends in positioned errors, soon, and looks nowhere else."""

from __future__ import annotations

import io
import os
import re
import resource
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from proving.audit import Watch
from proving.hostile_files import MEANINGS, PATHS, SECRET, STRUCTURES, TEXTS

from provisioning.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from proving.hostile_files import Hostile
    from proving.sizes import Proof

LONGEST_SECONDS = 0.2
MOST_BYTES = 100 * 2**20
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

VALID: dict[str, bytes] = {
    "databricks.yml": b"""\
bundle: {name: hostile}
include: [resources/*.yml]
variables:
  key: {default: openai-key}
  team: {description: who pays, default: ml}
targets:
  dev: {default: true, mode: development, presets: {name_prefix: dev_}}
  local: {variables: {team: search}}
""",
    "resources/all.yml": b"""\
x-common: &common {tags: [{key: team, value: "${var.team}"}]}
resources:
  secret_scopes:
    llm:
      name: llm
      permissions: [{level: READ, group_name: users}]
      secrets: {openai-key: {env: OPENAI_API_KEY}, file: {file: ../key.txt}, other: {command: [op, read, x]}}
  model_serving_endpoints:
    chat:
      <<: *common
      name: chat
      config:
        served_entities:
          - name: gpt
            external_model:
              provider: openai
              name: gpt-4o
              task: llm/v1/chat
              openai_config: {openai_api_key: "{{secrets/llm/${var.key}}}"}
        traffic_config: {routes: [{served_model_name: gpt, traffic_percentage: 100}]}
      ai_gateway: {rate_limits: [{calls: 60, key: user, renewal_period: minute}]}
      permissions: [{level: CAN_QUERY, group_name: users}]
""",
}

NASTY = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b]52;c;evil\x07", "\u202e".encode(), b"\t", b"\r", b"\n", b":", b"- ",
    b"? ", b"| ", b"> ", b"%YAML 9.9\n", b"---\n", b"...\n", b"&a ", b"*a", b"*common", b"<<: *common\n", b"!!str ",
    b"!!python/object/apply:os.system [ls]", b"!!binary x", b"[" * 200, b"{" * 200, b"- " * 200, b"9" * 5000, b"'",
    b'"', b"\\x", b"${", b"${var.x}", b"${var.${var.key}}", b"${resources.secret_scopes.llm.name}", b"${env.HOME}",
    b"${bundle.git.branch}", b"{{secrets/", b"../../../../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b"~/.ssh/id",
    b"include: [../*, /etc/*, '**/*', databricks.yml]\n", b"null", b"~", b"yes", b".nan", b"1e999", b"12:30:45",
    b"2026-11-22", b"0o17", b"x" * 70_000,
)  # fmt: skip


def mutated(text: bytes, dice: Random) -> bytes:
    """Return a text with one to four things done to it."""
    for _ in range(dice.randint(1, 4)):
        lines = text.splitlines(keepends=True) or [b""]
        at, line = dice.randrange(len(text) + 1), dice.randrange(len(lines))
        other = dice.randrange(len(lines))
        match dice.randrange(7):
            case 0:
                text = text[:at] + dice.choice(NASTY) + text[at:]
            case 1:
                text = text[:at] + dice.randbytes(1) + text[at + 1 :]
            case 2:
                text = text[:at] + text[at + dice.randint(1, 30) :]
            case 3:
                text = b"".join([*lines[:line], lines[other], *lines[line:]])
            case 4:
                text = b"".join([*lines[:line], b" " * dice.randint(1, 9) + lines[line].lstrip(), *lines[line + 1 :]])
            case 5:
                words = [*re.finditer(rb"[\w./${}-]+", text)]
                if words:
                    hit = dice.choice(words)
                    put = dice.choice((*NASTY, *(each[0] for each in words)))
                    text = text[: hit.start()] + put + text[hit.end() :]
            case _:
                text = b"".join(lines[:line] + lines[line + 1 :])
    return text


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch({"open": 0, "os.listdir": 0, "os.scandir": 0})


@dataclass(frozen=True)
class Validated:
    """How a `validate` went: its exit code, its words, its CPU time, and where else it looked."""

    code: int
    said: str
    seconds: float
    elsewhere: list[str]

    @property
    def faults(self) -> list[str]:
        """What no config may bring about."""
        found = {
            "a bug": self.code not in {0, 1} or "internal error" in self.said or "Traceback" in self.said,
            "visible": UNSEEN.search(self.said) is not None,
            "repeated": SECRET in self.said,
            f"{self.seconds:.2f} s": self.seconds >= LONGEST_SECONDS,
            f"read {self.elsewhere}": bool(self.elsewhere),
        }
        return [fault for fault, is_so in found.items() if is_so]


def validated(folder: Path, watch: Watch, *options: str) -> Validated:
    allowed = tuple(str(Path(each).resolve()) for each in (folder, sys.prefix, sys.base_prefix, Path.cwd()))
    said, started = io.StringIO(), time.thread_time()
    with watch() as seen, redirect_stdout(said), redirect_stderr(said):
        code = run(["validate", str(folder), *options])
    seconds = time.thread_time() - started
    looked = [os.fsdecode(each) for _event, each in seen if isinstance(each, str | bytes)]  # others are descriptors
    elsewhere = [each for each in looked if not str(Path(each).resolve()).startswith(allowed)]
    return Validated(code, said.getvalue(), seconds, elsewhere)


@pytest.fixture(autouse=True)
def _within_bounds(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "configs" / "resources").mkdir(parents=True)
    write(tmp_path / "configs", VALID)
    run(["validate", str(tmp_path / "configs")])  # loads what is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, text in files.items():
        (folder / name).write_bytes(text)


@pytest.mark.parametrize("kind", [TEXTS, STRUCTURES, MEANINGS, PATHS], ids=["texts", "structures", "meanings", "paths"])
def test_each_hostile_folder_ends_in_its_error_at_its_place(
    proof: Proof, tmp_path: Path, watch: Watch, kind: dict[str, Hostile], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.yml").write_text(f"bundle: {{name: {SECRET}}}\n")
    wrong = {}
    for number, (name, hostile) in enumerate(proof.some(kind).items()):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        hostile.write(folder)
        with monkeypatch.context() as patch:
            for variable, value in hostile.environ:
                patch.setenv(variable, value)
            found = validated(folder, watch)
        expected = re.escape(f"{folder}{'/' * bool(hostile.place[0] != ':')}{hostile.place}: error {hostile.code} ")
        if found.code != 1 or not re.search(f"^{expected}", found.said, re.MULTILINE) or found.faults:
            wrong[name] = (found.faults, found.said[:500])
        proof.tried("hostile folders")
    assert wrong == {}


def test_no_mutation_is_slow_silent_or_looks_elsewhere(proof: Proof, tmp_path: Path, watch: Watch) -> None:
    dice = proof.dice()
    folder = tmp_path / "configs"
    for _ in range(proof.size(quick=500, full=10_000)):
        chosen = dice.choice(sorted(VALID))
        text = mutated(VALID[chosen], dice)
        write(folder, {**VALID, chosen: text})
        found = validated(folder, watch, "--target", "dev")
        # a target that is gone is the command line's mistake, and has no place in the configs
        placed = found.code == 0 or re.search(rf"{folder}/\S+:\d+:\d+: |there is no target", found.said)
        assert placed and not found.faults, (found, text)  # noqa: PT018 - both are told by what is shown
        proof.tried("mutations")
        proof.tried("refused", found.code)
