"""A reader in a process of its own, so that what a damaged file does to a C library ends there.

Fuzzing the library behind the statistical formats with damaged files has ended in segmentation faults, which no exception can
catch. On Linux the reading is therefore done in a forked child that sends the columns back; a child that dies, or does not end
in time, is an error like any other. Elsewhere the reader runs in this process.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

from wwm_models.errors import WwmError
from wwm_models.many import end_with

Result = TypeVar("Result")
SECONDS: Final = 60.0
SECONDS_PER_MEGABYTE: Final = 1.0  # the slowest format reads ten in one
_PART: Final = 1 << 20


class ReaderDied(Exception):  # noqa: N818  # says what happened, for the message
    """The child has not sent a result."""


def apart(task: Callable[[], Result], megabytes: float) -> Result:
    """Run a task in a child process and give its result, or raise what it raised.

    Parameters
    ----------
    task : function without arguments
        Its result must be picklable; it travels through a pipe, never through a file.
    megabytes : float
        Size of what it reads, for the time it may take.

    Raises
    ------
    WwmError
        As the task raised it.
    ReaderDied
        If the child crashed, took too long, or the task raised anything else.
    """
    if not sys.platform.startswith("linux"):
        return task()
    source, sink = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: the child takes no lock of ours
        child = os.fork()
    if child == 0:
        os.close(source)
        end_with(parent)
        _child(task, sink)
    os.close(sink)
    try:
        content = _received(source, SECONDS + SECONDS_PER_MEGABYTE * megabytes)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _opened(content)


def _child(task: Callable[[], Any], sink: int) -> None:
    """Send the outcome and end, without the cleaning up that belongs to the parent."""
    faulthandler.disable()
    with contextlib.suppress(BaseException):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            outcome: tuple[str, Any] = ("result", task())
        except WwmError as problem:
            outcome = ("refused", problem)
        except BaseException as problem:
            outcome = ("failed", str(problem) or type(problem).__name__)
        content = memoryview(pickle.dumps(outcome, protocol=5))
        while content:
            content = content[os.write(sink, content[:_PART]) :]
    os._exit(0)


def _received(source: int, seconds: float) -> bytes:
    """Everything the child sends until it closes its end, or nothing if that takes too long."""
    until = time.monotonic() + seconds
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([source], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise ReaderDied(f"the library did not end within {seconds:.0f} seconds")
        part = os.read(source, _PART)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _opened(content: bytes) -> Any:
    try:
        kind, value = pickle.loads(content)  # from our own child, not from the file
    except (EOFError, pickle.UnpicklingError):
        raise ReaderDied("the library crashed on it") from None
    if kind == "refused":
        raise value
    if kind == "failed":
        raise ReaderDied(value)
    return value
