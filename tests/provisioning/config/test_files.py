from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioning.config import load
from provisioning.errors import ConfigError
from provisioning.reporters import diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_mock import MockerFixture

    from provisioning.model.workspace import Desired

ENDPOINT = "resources: {model_serving_endpoints: {%s: {name: %s}}}\n"


def codes(paths: list[Path]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(paths, environ={})
    return [each.code for each in caught.value.diagnostics]


def names(desired: Desired) -> list[str]:
    return [each.name for each in desired.endpoints]


def test_a_folder_without_a_root_file_is_every_yaml_file_in_it(write: Callable[..., Path]) -> None:
    folder = write(
        {"b.yaml": ENDPOINT % ("b", "b"), "a.yml": ENDPOINT % ("a", "a"), "sub/c.yml": "x: [", "n.txt": "x: ["}
    )
    desired = load([folder], environ={})
    assert names(desired) == ["a", "b"]
    assert (desired.set_name, desired.named) == ("set", False)


def test_a_root_file_brings_in_what_it_includes_and_nothing_else(write: Callable[..., Path]) -> None:
    folder = write(
        {
            "databricks.yml": "bundle: {name: own}\ninclude: [parts/*.yml, parts/a.yml]\n",
            "parts/a.yml": ENDPOINT % ("a", "a"),
            "other.yml": "x: [",
        }
    )
    desired = load([folder], environ={})
    assert names(desired) == ["a"]
    assert (desired.set_name, desired.named) == ("own", True)


def test_side_files_beside_bundle_files_are_found(write: Callable[..., Path]) -> None:
    side = "provisioning: {secret_scopes: {%s: {secrets: {k: {env: X}}}}}\n"
    folder = write(
        {
            "databricks.yml": "include: [parts/*.yml]\nresources: {secret_scopes: {a: {name: a}}}\n",
            "a.secrets.yml": side % "a",
            "parts/b.yml": "resources: {secret_scopes: {b: {name: b}}}\n",
            "parts/b.secrets.yml": side % "b",
        }
    )
    desired = load([folder], environ={})
    assert [dict(scope.secrets or {}).keys() for scope in desired.scopes] == [{"k"}, {"k"}]


def test_several_files_make_one_set(write: Callable[..., Path]) -> None:
    folder = write({"a.yml": ENDPOINT % ("a", "a"), "b.yml": ENDPOINT % ("b", "b")})
    desired = load([folder / "b.yml", folder / "a.yml"], environ={})
    assert names(desired) == ["b", "a"]
    assert (desired.set_name, desired.named) == ("b", False)


def test_positions_keep_the_path_that_the_user_gave(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"a.yml": ENDPOINT % ("a", "a")})
    monkeypatch.chdir(folder.parent)
    desired = load([Path("set")], environ={})
    assert desired.positions["model_serving_endpoints.a"].file == str(Path("set/a.yml"))


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"n.txt": ""}, "P109"),
        ({"databricks.yml": "include: [none.yml]\n"}, "P107"),
        ({"databricks.yml": "include: ['**x']\n"}, "P203"),
        ({"databricks.yml": "include: ['.']\n"}, "P203"),
        ({"databricks.yml": "include: [./]\n"}, "P203"),
        ({"databricks.yml": "include: ['']\n"}, "P203"),
        ({"databricks.yml": 'include: ["a\\0b"]\n'}, "P203"),
        ({"databricks.yml": "include: [../x.yml]\n"}, "P108"),
        ({"databricks.yml": "include: [/etc/x.yml]\n"}, "P108"),
        ({"databricks.yml": "include: one.yml\n"}, "P203"),
        ({"databricks.yml": "a: 1\n", "bundle.yml": "a: 1\n"}, "P406"),
        ({"a.yml": "- a list\n"}, "P203"),
        ({"a.yml": ENDPOINT % ("a", "a"), "b.yml": ENDPOINT % ("a", "b")}, "P406"),
        ({"a.yml": "bundle: {name: a}\n", "b.yml": "bundle: {name: b}\n"}, "P406"),
    ],
)
def test_files_that_cannot_be_meant_are_reported(write: Callable[..., Path], files: dict[str, str], code: str) -> None:
    assert code in codes([write(files)])


def test_a_pattern_may_match_nothing_yet(write: Callable[..., Path]) -> None:
    desired = load([write({"databricks.yml": "include: [none/*.yml]\n"})], environ={})
    assert [(each.code, each.severity) for each in desired.notes] == [("P110", "warning")]


def test_a_missing_path_is_reported_once(tmp_path: Path) -> None:
    assert codes([tmp_path / "nowhere"]) == ["P107"]


@pytest.mark.parametrize("content", [b"a: \xff\xfe\xfa\n", b"\xe9: 1\n"])
def test_bytes_that_are_no_text_are_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.yml").write_bytes(content)
    assert codes([tmp_path / "a.yml"]) == ["P103"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.yml").write_text("# é\n" + ENDPOINT % ("a", "a"), encoding=encoding)
    assert names(load([tmp_path / "a.yml"], environ={})) == ["a"]


def test_a_link_that_leaves_the_folder_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside.yml"
    outside.write_text(ENDPOINT % ("a", "a"))
    folder = write({"databricks.yml": "include: [linked.yml]\n"})
    (folder / "linked.yml").symlink_to(outside)
    assert codes([folder]) == ["P108"]


def test_a_link_to_itself_is_reported(write: Callable[..., Path]) -> None:
    folder = write({"a.yml": ENDPOINT % ("a", "a")})
    (folder / "loop.yml").symlink_to("loop.yml")
    assert codes([folder]) == ["P107"]


@pytest.mark.parametrize("name", [".env", "key.pem", "config"])
def test_what_is_no_config_by_its_name_is_not_opened(write: Callable[..., Path], name: str) -> None:
    folder = write({"databricks.yml": "include: ['[.kc]*']\n", name: "TOKEN: x: hunter2\n"})
    for path in (folder, folder / name):
        with pytest.raises(ConfigError) as caught:
            load([path], environ={})
        assert [each.code for each in caught.value.diagnostics] == ["P107"]
        assert "hunter2" not in repr(caught.value.diagnostics)


def test_a_json_file_may_be_included(write: Callable[..., Path]) -> None:
    part = '{\n\t"resources": {"model_serving_endpoints": {"a": {"name": "a"}}}\n}\n'
    assert names(load([write({"databricks.yml": "include: [a.json]\n", "a.json": part})], environ={})) == ["a"]


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch("pathlib.Path.iterdir", side_effect=PermissionError(13, "Permission denied"))
    assert "P107" in codes([tmp_path])


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yml")
    assert codes([tmp_path / "a.yml"]) == ["P107"]


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("# " + "x" * (5 * 1024**2))
    assert codes([tmp_path / "a.yml"]) == ["P104"]


def test_an_empty_file_is_an_empty_set(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("# all commented out\n")
    desired = load([tmp_path / "mine.yml"], environ={})
    assert (desired.set_name, desired.scopes, desired.endpoints) == ("mine", (), ())


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n# nothing\n", "---\n...\n", "null\n"])
def test_a_file_that_is_commented_out_says_nothing(write: Callable[..., Path], text: str) -> None:
    folder = write({"a.yml": ENDPOINT % ("a", "a"), "b.yml": text})
    assert names(load([folder], environ={})) == ["a"]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [("x" * 70_000, "P203"), ("*/" * 5_000 + "*.yml", "P203"), ("**/a/**/*.yml", "P203"), ("x" * 300, "P107")],
)
def test_a_pattern_that_is_no_path_is_reported(write: Callable[..., Path], pattern: str, code: str) -> None:
    assert codes([write({"databricks.yml": f"include: ['{pattern}']\n"})]) == [code]


def test_links_in_a_circle_do_not_multiply(write: Callable[..., Path]) -> None:
    folder = write({"databricks.yml": f"include: ['{'*/' * 40}b.yml']\n", "sub/b.yml": "x: ["})
    for name in ("a", "b", "c", "sub/d"):
        (folder / name).symlink_to(folder)
    assert codes([folder]) == ["P101"]  # what was found is read, once


def test_a_folder_that_is_a_link_is_followed_inside_alone(write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.yml").write_text("x: [")
    folder = write({"databricks.yml": "include: [in/*.yml, '*/*.yml']\n", "real/a.yml": ENDPOINT % ("a", "a")})
    (folder / "in").symlink_to(folder / "real")
    assert names(load([folder], environ={})) == ["a"]
    (folder / "in").unlink()
    (folder / "in").symlink_to(tmp_path / "outside")
    assert codes([folder]) == ["P108"]


def test_a_search_has_an_end(write: Callable[..., Path], mocker: MockerFixture) -> None:
    mocker.patch("provisioning.config.patterns._MOST_LOOKED_AT", 3)
    assert codes([write({"databricks.yml": "include: ['**/*.yml']\n", "a.txt": "", "b.txt": "", "c.txt": ""})]) == [
        "P104"
    ]


def test_what_a_file_is_called_does_not_act_on_a_terminal(write: Callable[..., Path]) -> None:
    folder = write({"databricks.yml": "include: ['*.yml']\n", "a\x1b[2J\nb.yml": "x: ["})
    with pytest.raises(ConfigError) as caught:
        load([folder], environ={})
    assert "configs/a\\u{1b}[2J b.yml:2:1: error P101" in diagnostics.text(caught.value.diagnostics).replace(
        str(folder), "configs"
    )
