"""Runs of the command line that end themselves with SIGKILL, each in a process forked from this one, which has the libraries loaded.

Started as ``killed_runs.py FOLDER ARGUMENT ...``: FOLDER is what the run writes in, the arguments are those of ``wwm``. Each line of
the standard input is a list of patterns as JSON. A run ends just before the change of FOLDER that matches the last of them, after
changes that matched the others in their order. A change reads ``open /path``, ``os.rename /path`` and so on. The answer is a line with
the exit code, or -9 of a killed run; without patterns the run ends by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from typing import Any

import altair  # noqa: F401  (loaded once, for every run)

from wwm_models import study  # noqa: F401
from wwm_models.cli.main import main
from wwm_models.report import report_files as files

CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "shutil.copyfile")


def change_of(event: str, arguments: tuple[Any, ...], folder: str) -> str:
    """What a run is about to change, in words; empty where it changes nothing of the folder."""
    writes = event in CHANGES or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
    if not writes or isinstance(arguments[0], int):
        return ""
    path = os.fsdecode(arguments[0])
    return f"{event} {path}" if path.startswith(folder) or not os.path.isabs(path) else ""


def end_at(patterns: list[str], folder: str) -> None:
    """Have this process killed at the change that matches the last pattern."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if patterns and (event == "open" or event in CHANGES):
            change = change_of(event, arguments, folder)
            if change and re.search(patterns[0], change):
                patterns.pop(0)
                if not patterns:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def begun_here(task: Any, *given: Any) -> Any:
    """Draw in this process: those of a pool would have to load everything again."""
    return lambda: task(*given)


def run(patterns: list[str], folder: str, arguments: list[str]) -> int:
    child = os.fork()
    if child == 0:
        with contextlib.redirect_stdout(sys.stderr):
            end_at(patterns, folder)
            os._exit(main(arguments))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    files.begin = begun_here
    for line in sys.stdin:
        print(run(json.loads(line), sys.argv[1], sys.argv[2:]), flush=True)
