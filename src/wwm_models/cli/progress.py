"""What a run tells the person who waits: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from wwm_models.study.line import Progress

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def told() -> Generator[Progress]:
    """Give the function that a run tells its progress."""
    if sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _lines()


@contextmanager
def _bar() -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell


def _lines() -> Progress:
    """First and last step, and in between one line every ten seconds."""
    last = [-SECONDS_BETWEEN_LINES]

    def tell(what: str, done: int, total: int) -> None:
        if done in (0, total) or time.monotonic() - last[0] >= SECONDS_BETWEEN_LINES:
            last[0] = time.monotonic()
            print(f"[{done}/{total}] {what}", file=sys.stderr, flush=True)

    return tell
