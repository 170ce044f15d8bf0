"""Folders of configs that mean no good, written by hand: what is in each, and which error it has to end in, and where.

A folder is given by the content of its files, by their paths below it. Where only `databricks.yml` matters, its content
stands alone. What cannot be written as content (links, pipes, devices) is put there by a function.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ROOT = "databricks.yml"
SECRET = "hunter2-of-somebody-else"
"""What stands in files that are not to be read, or not to be shown."""

_MIB = 2**20
_NAME = "bundle: {name: hostile}\n"


@dataclass(frozen=True)
class Hostile:
    """A folder of configs, and what is said of it.

    Attributes:
        files: contents by path.
        code: the error's.
        place: `file:line:column` of the error, below the folder.
        prepare: puts the rest into the folder.
        environ: variables that are set.
    """

    files: Mapping[str, bytes]
    code: str
    place: str
    prepare: Callable[[Path], None] = lambda _folder: None
    environ: tuple[tuple[str, str], ...] = ()

    def write(self, folder: Path) -> None:
        """Make the folder."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        self.prepare(folder)


def _text(code: str, place: str, text: str | bytes, **more: str) -> Hostile:
    content = text if isinstance(text, bytes) else text.encode()
    return Hostile({ROOT: content}, code, f"{ROOT}:{place}", environ=tuple(more.items()))


def _scope(inside: str) -> str:
    return f"resources: {{secret_scopes: {{s: {{{inside}}}}}}}\n"


def _calls(number: str) -> str:
    limits = f"ai_gateway: {{rate_limits: [{{renewal_period: minute, calls: {number}}}]}}"
    return f"resources: {{model_serving_endpoints: {{e: {{name: e, {limits}}}}}}}\n"


def _variable(uses: str, *declared: str) -> str:
    return f"variables: {{{', '.join(declared)}}}\n" + _scope(f"name: '{uses}'")


def _bomb(first: str, level: Callable[[int], str], levels: int) -> str:
    return f"l0: &l0 {first}\n" + "".join(f"l{n}: &l{n} {level(n)}\n" for n in range(1, levels))


def _doubling(levels: int) -> str:
    doubled = (f"v{n}: {{default: '${{var.v{n - 1}}}${{var.v{n - 1}}}'}}" for n in range(1, levels))
    return _variable(f"${{var.v{levels - 1}}}", "v0: {default: xxxxxxxx}", *doubled)


TEXTS = {
    "a NUL": _text("P103", "1:17", b"bundle: {name: a\0b}\n"),
    "an escape sequence": _text("P103", "1:4", "a: \x1b]52;c;ZXZpbA==\x07"),
    "a C1 control": _text("P103", "1:4", "a: \x9b31m"),
    "a noncharacter": _text("P103", "1:4", "a: \ufffe"),
    "Latin-1": _text("P103", "2:7", b"bundle: {name: a}\nx: caf\xe9\n"),
    "UTF-16 without a mark": _text("P103", "1:2", _NAME.encode("utf-16-le")),
    "UTF-16 cut in half": _text("P103", "1:7", b"\xff\xfea\0:\0 "),
    "half a surrogate pair": _text("P103", "1:9", b"\xff\xfea\0:\0 \0\x00\xd8a\0"),
    "UTF-32": _text("P103", "1:1", _NAME.encode("utf-32")),
    "an overlong encoding": _text("P103", "1:4", b"a: \xc0\x80"),
    "an encoded surrogate": _text("P103", "1:4", b"a: \xed\xa0\x80"),
    "gzip": _text("P103", "1:2", b"\x1f\x8b\x08\0\0\0\0\0"),
    "a program": _text("P103", "1:1", b"\x7fELF\x02\x01\x01\0"),
    "a mark in the middle": _text("P101", "2:2", f"{_NAME}\ufeffresources: {{}}\n"),
    "an invisible letter": _text("P201", "1:1", "bun\u200bdle: {name: a}\n"),
    "a letter that looks alike": _text("P201", "1:1", "res\u043eurces: {}\n"),
    "a name from right to left": _text("P207", "1:39", _scope('name: "a\u202eb"')),
    "an escaped NUL": _text("P207", "1:39", _scope('name: "a\\0b"')),
    "an escaped surrogate": _text("P101", "1:7", 'a: "\\uD800"\n'),
    "an escape beyond Unicode": _text("P101", "1:7", 'a: "\\U00110000"\n'),
}

STRUCTURES = {
    "aliases of aliases": _text("P104", "6:5", _bomb("[x, x]", lambda n: f"[{', '.join([f'*l{n - 1}'] * 10)}]", 9)),
    "mappings of aliases": _text(
        "P104", "6:5", _bomb("{a: x}", lambda n: f"{{{', '.join(f'k{k}: *l{n - 1}' for k in range(10))}}}", 9)
    ),
    "merges of merges": _text(
        "P104", "4:14", _bomb("{a: x}", lambda n: f"{{<<: [{', '.join([f'*l{n - 1}'] * 50)}]}}", 30)
    ),
    "a list in itself": _text("P104", "1:4", "a: &a [*a]\n"),
    "a mapping in itself": _text("P104", "1:4", "a: &a {b: *a}\n"),
    "a merge of itself": _text("P104", "1:4", "a: &a\n  <<: *a\n"),
    "a key that is itself": _text("P104", "1:1", "&a {? *a : b}\n"),
    "an unknown anchor": _text("P101", "1:4", "a: *nowhere\n"),
    "a merge of text": _text("P203", "1:5", "<<: 5\n"),
    "brackets": _text("P104", "1:67", "a: " + "[" * 100_000),
    "braces": _text("P104", "1:256", "a: " + "{a: " * 100_000),
    "dashes": _text("P104", "1:129", "- " * 100_000),
    "question marks": _text("P104", "1:129", "? " * 100_000),
    "indentation": _text("P104", "66:66", "".join(" " * n + "b:\n" for n in range(1_000))),
    "65 levels": _text("P104", "1:68", "a: " + "[" * 65 + "]" * 65),
    "many values": _text("P104", "1:99999", "a: [" + "1," * 200_000 + "]\n"),
    "many keys": _text("P104", "25000:9", "".join(f"k{n}: 1\n" for n in range(60_000))),
    "a huge file": _text("P104", "1:1", "# " + "x" * 2 * _MIB),
    "a huge text": _text("P203", "1:1", "x" * (_MIB - 1)),
    "a text of a million lines": _text("P203", "1:1", "x\n" * (_MIB // 2)),
    "a million directives": _text("P101", "1:3", "%A\n" * (_MIB // 3)),
    "a million anchors": _text("P101", "1:4", "&a " * (_MIB // 3)),
    "a million colons": _text("P101", f"1:{_MIB - 2}", ":" * (_MIB - 2)),
    "a million exclamation marks": _text("P105", "1:1", "!" * (_MIB - 2)),
    "a quote without an end": _text("P101", "1:1", '"' + "x\n" * (_MIB // 2 - 1)),
    "a long key": _text("P101", "1:2001", "k" * 2_000 + ": 1\n"),
    "a long key, twice": _text("P102", "3:3", f"? {'k' * 50_000}\n: 1\n? {'k' * 50_000}\n: 2\n"),
    "a huge indentation indicator": _text("P101", "1:6", "a: |9999\n x\n"),
    "a key twice": _text("P102", "2:1", f"{_NAME}{_NAME}"),
    "a key twice, quoted": _text("P102", "1:19", "bundle: {name: a, 'name': b}\n"),
    "a key twice, escaped": _text("P102", "1:19", 'bundle: {name: a, "n\\x61me": b}\n'),
    "a list as a key": _text("P106", "1:3", "? [a, b]\n: 1\n"),
    "a mapping as a key": _text("P106", "1:1", "{a: 1}: 2\n"),
    "two documents": _text("P101", "2:1", "a: 1\n---\nb: 2\n"),
    "something after the end": _text("P101", "3:1", "a: 1\n...\nb: 2\n"),
    "a list": _text("P203", "1:1", "- a\n"),
    "a number": _text("P203", "1:1", "5\n"),
    "a tab": _text("P101", "2:1", "a:\n\tb: 1\n"),
    "a Python object": _text("P105", "1:4", "a: !!python/object/apply:os.system [ls]\n"),
    "a Python object by a shorthand": _text(
        "P105", "3:4", "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [ls]\n"
    ),
    "bytes": _text("P105", "1:4", "a: !!binary x\n"),
    "an included file": _text("P105", "1:4", "a: !include /etc/passwd\n"),
    "another YAML": _text("P101", "1:1", "%YAML 9.9\n---\na: 1\n"),
    "a directive twice": _text("P101", "2:1", "%YAML 1.1\n%YAML 1.1\n---\na: 1\n"),
}

MEANINGS = {
    "a number of 5,000 digits": _text("P204", "1:111", _calls("9" * 5_000)),
    "a number of 400 digits": _text("P204", "1:111", _calls("9" * 400)),
    "a number beyond 64 bits": _text("P204", "1:111", _calls(str(2**63))),
    "a number beyond a float": _text("P204", "1:111", _calls("1e999")),
    "no number": _text("P203", "1:111", _calls(".nan")),
    "a negative number": _text("P204", "1:111", _calls("-1")),
    "a time for a number": _text("P203", "1:111", _calls("12:30:45")),
    "a date for a number": _text("P203", "1:111", _calls("2026-11-22")),
    "a truth for a number": _text("P203", "1:111", _calls("true")),
    "an octal number": _text("P203", "1:111", _calls("0o17")),
    "a name that is a path": _text("P207", "1:39", _scope("name: ../../x")),
    "a name of 100,000 letters": _text("P207", "1:39", _scope("name: " + "x" * 100_000)),
    "variables in a circle": _text(
        "P303", "1:52", _variable("${var.a}", "a: {default: '${var.b}'}", "b: {default: '${var.a}'}")
    ),
    "a variable of itself": _text("P303", "1:26", _variable("${var.a}", "a: {default: '${var.a}'}")),
    "variables that double": _text("P303", "1:1945", _doubling(60)),
    "a large variable, often": _text(
        "P104", "2:39", _variable("${var.a}" * 500, "a: {default: " + "x" * (_MIB // 2) + "}")
    ),
    "a reference to the environment": _text("P301", "1:39", _scope("name: '${env.HOME}'")),
    "a reference to a file": _text("P302", "1:39", _scope("name: '${file(/etc/passwd)}'")),
    "a reference to Python": _text("P302", "2:39", _variable("${var.__class__}", "a: {default: x}")),
    "a reference without an end": _text("P302", "1:39", _scope("name: '${var.a'")),
    "30,000 of them": _text("P302", "1:39", _scope(f"name: '{'${' * 30_000}'")),
    "a look-up": _text("P306", "2:39", _variable("${var.a}", "a: {lookup: {cluster: x}}")),
    "code of Python's": _text("P403", "1:1", "python: {mutators: [os:system]}\n"),
    "code, as an experiment": _text("P403", "1:16", "experimental: {python: {mutators: [os:system]}}\n"),
    "a host with a password": _text("P214", "1:19", f"workspace: {{host: 'https://user:{SECRET}@example.com'}}\n"),
    "a secret's value": _text("P213", "1:55", _scope(f"name: s, secrets: {{k: {SECRET}}}")),
    "a command line": _text("P203", "1:65", _scope("name: s, secrets: {k: {command: 'rm -rf /'}}")),
    "an escape in the environment": _text(
        "P207", "2:39", _variable("${var.a}", "a: {}"), BUNDLE_VAR_a="\x1b[2J\u202e", PATH=""
    ),
    "a megabyte in the environment": _text(
        "P104", "2:39", _variable("${var.a}" * 20, "a: {}"), BUNDLE_VAR_a="x" * 100_000
    ),
}


def _including(code: str, pattern: str, prepare: Callable[[Path], None] = lambda _folder: None) -> Hostile:
    return Hostile({ROOT: f"{_NAME}include: [{pattern}]\n".encode()}, code, f"{ROOT}:2:11", prepare)


def _link(name: str, target: str, folder: Path) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(target.replace("OUTSIDE", str(folder.parent / "outside")))


def _pipe(name: str, folder: Path) -> None:
    os.mkfifo(folder / name)


def _folder(name: str, folder: Path) -> None:
    (folder / name).mkdir()


def _beside(code: str, place: str, prepare: Callable[[Path], None], **files: bytes) -> Hostile:
    return Hostile({ROOT: _NAME.encode(), **files}, code, place, prepare)


_OVERRIDES = ".databricks/bundle/default/variable-overrides.json"

PATHS = {
    "a pattern that climbs": _including("P108", "../*.yml"),
    "a pattern that goes down and climbs": _including("P108", "a/../../*.yml"),
    "an absolute pattern": _including("P108", "/etc/*.yml"),
    "a pattern with a NUL": _including("P203", '"a\\0b.yml"'),
    "a name too long for a file": _including("P107", "x" * 300 + ".yml"),
    "a pattern of 70,000 letters": _including("P203", "x" * 70_000 + "*.yml"),
    "a pattern of 5,000 parts": _including("P203", "'" + "*/" * 5_000 + "*.yml'"),
    "a pattern of many depths": _including("P203", "'" + "**/" * 30 + "x.yml'"),
    "a pattern in a pattern": _including("P203", "[a.yml]"),
    "a home folder": _including("P107", "~/.ssh/id_rsa.yml"),
    "a link out": _including("P108", "x.yml", partial(_link, "x.yml", "OUTSIDE/x.yml")),
    "a link to a folder outside": _including("P108", "x/*.yml", partial(_link, "x", "OUTSIDE")),
    "a link to a device": _including("P107", "x.yml", partial(_link, "x.yml", "/dev/zero")),
    "a link to memory": _including("P108", "x.yml", partial(_link, "x.yml", "/proc/self/mem")),
    "a link to nothing": _including("P107", "x.yml", partial(_link, "x.yml", "nothing.yml")),
    "a link to itself": _including("P107", "x.yml", partial(_link, "x.yml", "x.yml")),
    "a pipe": _including("P107", "x.yml", partial(_pipe, "x.yml")),
    "a folder called x.yml": _including("P107", "x.yml", partial(_folder, "x.yml")),
    "a root that is a link out": Hostile({}, "P108", f"{ROOT}:1:1", partial(_link, ROOT, "OUTSIDE/x.yml")),
    "a root that is a pipe": Hostile({}, "P107", f"{ROOT}:1:1", partial(_pipe, ROOT)),
    "a root that is a folder": Hostile({}, "P107", f"{ROOT}:1:1", partial(_folder, ROOT)),
    "two roots": _beside("P406", "bundle.yml:1:1", lambda _folder: None, **{"bundle.yml": b"a: 1\n"}),
    "secrets that are a link out": _beside(
        "P108", "x.secrets.yml:1:1", partial(_link, "x.secrets.yml", "OUTSIDE/x.yml")
    ),
    "secrets that are a pipe": _beside("P107", "x.secrets.yml:1:1", partial(_pipe, "x.secrets.yml")),
    "values in secrets": _beside(
        "P213",
        "x.secrets.yml:1:49",
        lambda folder: (folder / "x.secrets.yml").chmod(0o666),
        **{
            ROOT: (_NAME + _scope("name: s")).encode(),
            "x.secrets.yml": f"provisioning: {{secret_scopes: {{s: {{secrets: {{k: {SECRET}}}}}}}}}\n".encode(),
        },
    ),
    "overrides that are a link out": _beside("P108", f"{_OVERRIDES}:1:1", partial(_link, _OVERRIDES, "OUTSIDE/x.yml")),
    "overrides without an end": _beside(
        "P104", f"{_OVERRIDES}:1:70", lambda _folder: None, **{_OVERRIDES: b'{"a": ' + b"[" * 100_000}
    ),
    "a branch that is a path": _beside(
        "P301",
        f"{ROOT}:1:39",
        lambda _folder: None,
        **{ROOT: _scope("name: '${bundle.git.commit}'").encode(), ".git/HEAD": b"ref: ../../outside/x.yml\n"},
    ),
    "a branch that is a pipe": _beside(
        "P301",
        f"{ROOT}:1:39",
        lambda folder: (_folder(".git", folder), _pipe(".git/HEAD", folder))[0],
        **{ROOT: _scope("name: '${bundle.git.branch}'").encode()},
    ),
    "nothing at all": Hostile({}, "P109", ":1:1"),
}

HOSTILE: Mapping[str, Hostile] = TEXTS | STRUCTURES | MEANINGS | PATHS
