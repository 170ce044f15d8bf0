from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from provisioning.config.git import git_facts

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=trunk")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "configs"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q")
    git(folder.parent, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_branch_and_commit_are_those_that_git_says(checkout: Path) -> None:
    expected = {"bundle.git.branch": "trunk", "bundle.git.commit": git(checkout, "rev-parse", "HEAD")}
    assert git_facts(checkout) == expected
    git(checkout, "pack-refs", "--all")
    assert git_facts(checkout) == expected


def test_a_detached_head_has_no_branch(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")
    assert git_facts(checkout) == {"bundle.git.commit": git(checkout, "rev-parse", "HEAD")}


def test_a_work_tree_has_its_own_branch(checkout: Path, tmp_path: Path) -> None:
    git(checkout.parent, "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    assert git_facts(tmp_path / "tree")["bundle.git.branch"] == "side"
    assert git_facts(tmp_path / "tree")["bundle.git.commit"] == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"gitdir: a\0b"])
def test_outside_of_a_checkout_nothing_is_known(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / ".git").write_bytes(content)
    assert git_facts(tmp_path) == {}


@pytest.mark.parametrize(
    "head",
    ["ref: ../../secret", "ref: refs/../../secret", "ref: refs/heads/../../../secret", "hunter2", "ref: /secret"],
)
def test_no_other_file_is_taken_for_a_commit(tmp_path: Path, head: str) -> None:
    (tmp_path / "configs" / ".git").mkdir(parents=True)
    (tmp_path / "configs" / ".git" / "HEAD").write_text(head)
    (tmp_path / "secret").write_text("a" * 40)
    assert git_facts(tmp_path / "configs") == {}


def test_a_head_that_is_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    assert git_facts(tmp_path) == {}
