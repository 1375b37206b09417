"""What a run tells the person who waits: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from wwm_models.cli.streams import escaped, terminal
from wwm_models.study.line import Progress

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def told() -> Generator[Progress]:
    """Give the function that a run tells its progress."""
    if sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        with _lines() as tell:
            yield tell


@contextmanager
def _bar() -> Generator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(file=terminal()), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=escape(escaped(what)), completed=done, total=total)

        yield tell


@contextmanager
def _lines(seconds: float = SECONDS_BETWEEN_LINES) -> Generator[Progress]:
    """First and last step, and in between a line every ten seconds, also while nothing is finished."""
    started, last = time.monotonic(), [-seconds]
    latest = [("starting", 0, 0)]
    over = threading.Event()

    def show() -> None:
        what, done, total = latest[0]
        last[0] = time.monotonic()
        print(f"[{done}/{total}] {what} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)

    def tell(what: str, done: int, total: int) -> None:
        latest[0] = (what, done, total)
        if done in (0, total) or time.monotonic() - last[0] >= seconds:
            show()

    def repeat() -> None:
        while not over.wait(seconds / 10.0):
            if time.monotonic() - last[0] >= seconds:
                show()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
        thread.join()
