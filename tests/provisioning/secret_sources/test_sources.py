from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from textwrap import dedent
from typing import TYPE_CHECKING, BinaryIO

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from pydantic import ValidationError

from provisioning.errors import Position, SecretSourceError, SourceUnsetError
from provisioning.model.secret import (
    CommandSource,
    DotenvSource,
    EnvSource,
    ExternalSource,
    FileSource,
    KeyringSource,
    SecretSource,
    StdinSource,
)
from provisioning.secret_sources import read

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-hunter2"

Run = Callable[..., str]


@pytest.fixture
def place(tmp_path: Path) -> Position:
    return Position(str(tmp_path / "scopes.yml"), 7, 12)


@pytest.fixture
def value(place: Position) -> Run:
    """Read a source and give its value in the clear."""

    def run(
        source: SecretSource, *, environ: Mapping[str, str] | None = None, stdin: bytes = b"", **options: object
    ) -> str:
        taken = read(
            source,
            environ=environ or {},
            position=place,
            standard_input=io.BytesIO(stdin),
            **options,  # type: ignore[arg-type] # options are read's
        )
        assert SECRET not in repr(taken)
        return taken.get_secret_value()

    return run


@pytest.fixture
def refused(value: Run) -> Callable[..., SecretSourceError]:
    """Read a source that fails, and make sure that nothing about the failure holds the secret."""

    def run(source: SecretSource, **options: object) -> SecretSourceError:
        with pytest.raises(SecretSourceError) as caught:
            value(source, **options)
        shown = "".join(traceback.format_exception(caught.value))
        assert SECRET not in shown
        assert SECRET not in repr(caught.value.__context__)
        assert caught.value.position is not None
        return caught.value

    return run


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (SECRET, SECRET),
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\n", SECRET),
        (f"{SECRET}\n\n", f"{SECRET}\n"),
        (f" {SECRET} ", f" {SECRET} "),
        (f"a\n{SECRET}", f"a\n{SECRET}"),
    ],
)
def test_one_newline_at_the_end_is_dropped_and_nothing_else(value: Run, text: str, meant: str) -> None:
    assert value(EnvSource(env="KEY"), environ={"KEY": text}) == meant
    assert value(StdinSource(stdin=True), stdin=text.encode()) == meant


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}, {"KEY": " \t\n"}])
def test_unset_empty_and_blank_are_the_same(refused: Callable[..., SecretSourceError], environ: dict[str, str]) -> None:
    error = refused(EnvSource(env="KEY"), environ=environ)
    assert isinstance(error, SourceUnsetError)
    assert "env KEY" in error.message
    assert error.remedy is not None
    assert "KEY" in error.remedy


def test_a_value_too_large_for_the_workspace_is_refused(refused: Callable[..., SecretSourceError]) -> None:
    assert "128 KiB" in refused(EnvSource(env="KEY"), environ={"KEY": SECRET * 10_000}).message


def test_an_external_secret_is_never_read(refused: Callable[..., SecretSourceError]) -> None:
    refused(ExternalSource(external=True))


class TestFile:
    def test_a_path_starts_at_the_config_file(self, value: Run, tmp_path: Path) -> None:
        (tmp_path / "key.txt").write_text(f"{SECRET}\n")
        assert value(FileSource(file="key.txt")) == SECRET

    def test_base64_is_decoded(self, value: Run, tmp_path: Path) -> None:
        (tmp_path / "key.b64").write_text("aHVudGVyMi1o\ndW50ZXIy\n")
        assert value(FileSource(file="./key.b64", encoding="base64")) == SECRET

    @pytest.mark.parametrize(
        ("content", "encoding"),
        [(f"{SECRET}é".encode("latin-1"), None), (b"not base64: hunter2-hunter2", "base64"), (b"/w==", "base64")],
    )
    def test_content_that_is_no_text_is_not_shown(
        self, refused: Callable[..., SecretSourceError], tmp_path: Path, content: bytes, encoding: str | None
    ) -> None:
        (tmp_path / "key").write_bytes(content)
        refused(FileSource.model_validate({"file": "key", "encoding": encoding}))

    def test_a_missing_file_is_named(self, refused: Callable[..., SecretSourceError]) -> None:
        assert "file nowhere.txt" in refused(FileSource(file="nowhere.txt")).message

    @pytest.mark.parametrize(
        ("path", "reason"),
        [("~nobody-here/key", "home folder"), ("/dev/zero", "no file"), ("pipe", "no file"), (".", "no file")],
    )
    def test_what_is_no_file_is_not_read(
        self, refused: Callable[..., SecretSourceError], tmp_path: Path, path: str, reason: str
    ) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert reason in refused(FileSource(file=path)).message

    def test_a_huge_file_is_refused(self, refused: Callable[..., SecretSourceError], tmp_path: Path) -> None:
        (tmp_path / "key").write_text(SECRET * 100_000)
        assert "1024 KiB" in refused(FileSource(file="key")).message

    def test_a_path_that_no_file_can_have_is_refused_by_the_configs(self) -> None:
        with pytest.raises(ValidationError):
            FileSource(file="a\0b")

    def test_an_empty_file_is_unset(self, refused: Callable[..., SecretSourceError], tmp_path: Path) -> None:
        (tmp_path / "key").write_text("\n")
        assert isinstance(refused(FileSource(file="key")), SourceUnsetError)


class TestDotenv:
    @pytest.mark.parametrize(
        ("line", "meant"),
        [
            ("KEY=hunter2", "hunter2"),
            ("export KEY = hunter2  ", "hunter2"),
            ("KEY=hunter2 # a comment", "hunter2"),
            ("KEY=hunter#2", "hunter#2"),
            ("KEY='a # $b \\n'", "a # $b \\n"),
            ('KEY="a\\nb \\"c\\""', 'a\nb "c"'),
            ('KEY="two\nlines"', "two\nlines"),
            ("KEY=first\nKEY=second", "second"),
            ("OTHER='\nKEY=no\n'\nKEY=yes", "yes"),
            ("KEY=a=b==", "a=b=="),
            ("# KEY=no\nKEY=yes\r", "yes"),
        ],
    )
    def test_a_line_means_what_it_means_to_a_shell_without_expansion(
        self, value: Run, tmp_path: Path, line: str, meant: str
    ) -> None:
        (tmp_path / ".env").write_bytes(f"A=1\n{line}\nZ=2\n".encode())
        assert value(DotenvSource(dotenv=".env", key="KEY")) == meant

    def test_a_missing_key_is_unset(self, refused: Callable[..., SecretSourceError], tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("OTHER=x\nKEYS=y\n")
        assert isinstance(refused(DotenvSource(dotenv=".env", key="KEY")), SourceUnsetError)

    @pytest.mark.parametrize("content", [None, b"KEY=hunter2-hunter2\xff"])
    def test_a_file_that_cannot_be_read_is_named(
        self, refused: Callable[..., SecretSourceError], tmp_path: Path, content: bytes | None
    ) -> None:
        if content is not None:
            (tmp_path / ".env").write_bytes(content)
        assert "dotenv .env KEY" in refused(DotenvSource(dotenv=".env", key="KEY")).message


class TestStdin:
    def test_an_endless_input_is_refused(self, refused: Callable[..., SecretSourceError]) -> None:
        assert "1024 KiB" in refused(StdinSource(stdin=True), stdin=SECRET.encode() * 100_000).message

    def test_a_terminal_is_refused(self, place: Position) -> None:
        class Terminal(io.BytesIO):
            def isatty(self) -> bool:
                return True

        terminal: BinaryIO = Terminal(SECRET.encode())
        with pytest.raises(SecretSourceError, match="terminal"):
            read(StdinSource(stdin=True), environ={}, position=place, standard_input=terminal)

    def test_bytes_that_are_no_text_are_not_shown(self, refused: Callable[..., SecretSourceError]) -> None:
        refused(StdinSource(stdin=True), stdin=f"{SECRET}é".encode("latin-1"))


class TestKeyring:
    @pytest.fixture
    def ring(self) -> Iterator[object]:
        class Ring(KeyringBackend):
            priority = 1.0  # type: ignore[assignment] # keyring's own declaration is a property
            locked = False

            def get_password(self, service: str, username: str) -> str | None:
                if self.locked:
                    raise KeyringLocked(SECRET)
                return {("svc", "me"): SECRET}.get((service, username))

            def set_password(self, service: str, username: str, password: str) -> None:
                raise NotImplementedError

        before = keyring.get_keyring()
        ring = Ring()
        keyring.set_keyring(ring)
        yield ring
        keyring.set_keyring(before)

    @pytest.mark.usefixtures("ring")
    def test_what_it_holds_is_read(self, value: Run) -> None:
        assert value(KeyringSource(keyring="svc", user="me")) == SECRET

    @pytest.mark.usefixtures("ring")
    def test_what_it_does_not_hold_is_unset(self, refused: Callable[..., SecretSourceError]) -> None:
        assert isinstance(refused(KeyringSource(keyring="svc", user="you")), SourceUnsetError)

    def test_a_locked_one_says_so(self, refused: Callable[..., SecretSourceError], ring: object) -> None:
        ring.locked = True  # type: ignore[attr-defined] # the fixture's class
        assert "KeyringLocked" in refused(KeyringSource(keyring="svc", user="me")).message

    def test_without_the_package_the_extra_is_named(
        self, refused: Callable[..., SecretSourceError], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        error = refused(KeyringSource(keyring="svc", user="me"))
        assert error.remedy == 'pip install "gatewright[keyring]"'


class TestCommand:
    @pytest.fixture
    def program(self, tmp_path: Path) -> Callable[[str], dict[str, str]]:
        """Write a program called `vault` and return an environment whose PATH has it."""

        def make(code: str) -> dict[str, str]:
            folder = tmp_path / "bin"
            folder.mkdir(exist_ok=True)
            path = folder / "vault"
            path.write_text(f"#!{sys.executable}\nimport os, sys\n{dedent(code)}\n")
            path.chmod(0o755)
            return {"PATH": str(folder), "PROVISIONING_ALLOW_COMMANDS": "op, vault"}

        return make

    def test_what_it_prints_is_the_value(self, value: Run, program: Callable[[str], dict[str, str]]) -> None:
        environ = program("print(sys.argv[1:], end='')")
        arguments = ("vault", "read", "$HOME; echo x", "*")
        assert value(CommandSource(command=arguments), environ=environ) == "['read', '$HOME; echo x', '*']"

    @pytest.mark.parametrize("allowed", [None, "", "op", "vaul", "/bin/vault"])
    def test_only_a_program_allowed_by_name_runs(
        self,
        refused: Callable[..., SecretSourceError],
        program: Callable[[str], dict[str, str]],
        tmp_path: Path,
        allowed: str | None,
    ) -> None:
        environ = program("open('ran', 'w')") | {"PROVISIONING_ALLOW_COMMANDS": allowed or ""}
        if allowed is None:
            del environ["PROVISIONING_ALLOW_COMMANDS"]
        error = refused(CommandSource(command=("vault",)), environ=environ)
        assert "--allow-command vault" in (error.remedy or "")
        assert not (tmp_path / "ran").exists()

    def test_a_program_may_be_allowed_by_a_flag(self, value: Run, program: Callable[[str], dict[str, str]]) -> None:
        environ = program("print('x')")
        del environ["PROVISIONING_ALLOW_COMMANDS"]
        assert value(CommandSource(command=("vault",)), environ=environ, allowed_commands=frozenset({"vault"})) == "x"

    def test_allowing_a_name_does_not_allow_a_path_to_another_program(
        self, refused: Callable[..., SecretSourceError], program: Callable[[str], dict[str, str]], tmp_path: Path
    ) -> None:
        environ = program("print('x')")
        refused(CommandSource(command=(str(tmp_path / "bin" / "vault"),)), environ=environ)

    def test_it_sees_neither_the_workspaces_credentials_nor_other_secrets(
        self, value: Run, program: Callable[[str], dict[str, str]]
    ) -> None:
        environ = program("print(sorted(os.environ))") | {
            "DATABRICKS_TOKEN": SECRET,
            "DATABRICKS_CLIENT_SECRET": SECRET,
            "BUNDLE_VAR_key": SECRET,
            "OPENAI_API_KEY": SECRET,
            "VAULT_TOKEN": "needed",
        }
        seen = value(CommandSource(command=("vault",)), environ=environ, hidden=frozenset({"OPENAI_API_KEY"}))
        assert "VAULT_TOKEN" in seen
        assert not any(name in seen for name in ("DATABRICKS", "BUNDLE_VAR", "OPENAI"))

    def test_a_failure_quotes_what_the_program_said(
        self, refused: Callable[..., SecretSourceError], program: Callable[[str], dict[str, str]]
    ) -> None:
        environ = program("sys.exit('\\x1b[31mnot signed in' + 'x' * 5000)")
        error = refused(CommandSource(command=("vault",)), environ=environ)
        assert "exit code 1" in error.message
        assert "not signed in" in error.message
        assert "\x1b" not in error.message
        assert len(error.message) < 500

    def test_a_failure_after_printing_quotes_nothing(
        self, refused: Callable[..., SecretSourceError], program: Callable[[str], dict[str, str]]
    ) -> None:
        environ = program(f"print({SECRET!r}); sys.exit('could not cache {SECRET}')")
        refused(CommandSource(command=("vault",)), environ=environ)

    def test_bytes_that_are_no_text_are_not_shown(
        self, refused: Callable[..., SecretSourceError], program: Callable[[str], dict[str, str]]
    ) -> None:
        refused(CommandSource(command=("vault",)), environ=program(f"sys.stdout.buffer.write(b'{SECRET}\\xff')"))

    def test_a_program_that_does_not_exist_is_named(
        self, refused: Callable[..., SecretSourceError], tmp_path: Path
    ) -> None:
        environ = {"PATH": str(tmp_path), "PROVISIONING_ALLOW_COMMANDS": "vault"}
        assert "command vault was not found" in refused(CommandSource(command=("vault",)), environ=environ).message

    def test_a_program_that_hangs_is_stopped(
        self,
        refused: Callable[..., SecretSourceError],
        program: Callable[[str], dict[str, str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("provisioning.secret_sources.command._SECONDS", 0.3)
        environ = program(f"print({SECRET!r}, flush=True); import time; time.sleep(60)")
        assert "did not end" in refused(CommandSource(command=("vault", SECRET)), environ=environ).message
