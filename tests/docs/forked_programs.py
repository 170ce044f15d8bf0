"""Runs programs in processes that are forked off one in which what they import stands already.

The Databricks SDK alone takes longer to import than most commands run. A forked process has a folder, an environment,
outputs and an end of its own, as any other: its imports alone are shared. What is not this interpreter's runs as usual.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path

SECONDS = 120
"""How long a program may take."""

_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["provisioning.runner", "provisioning.cli", "local_workspace.app", "chat.langchain"])


def run(arguments: list[str], *, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does, and return its exit code and outputs.

    Raises:
        subprocess.TimeoutExpired: It took longer than `SECONDS`; it is killed.

    """
    if arguments[0] != sys.executable:
        return subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    stdout, stderr = cwd / ".stdout", cwd / ".stderr"
    process = _forked.Process(target=_become, args=(arguments[1:], cwd, env, stdout, stderr))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(arguments, SECONDS)
    return subprocess.CompletedProcess(arguments, process.exitcode, stdout.read_text(), stderr.read_text())


def _become(arguments: list[str], cwd: Path, env: dict[str, str], stdout: Path, stderr: Path) -> None:
    """Be the process that `python ARGUMENTS` is."""
    for descriptor, file in enumerate((Path(os.devnull), stdout, stderr)):
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = [str(cwd), *env.get("PYTHONPATH", "").split(os.pathsep)]
    match arguments:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [program, *rest]:
            sys.argv = [program, *rest]
            runpy.run_path(program, run_name="__main__")
