"""What became of a case, and the table of all cases."""

from __future__ import annotations

import contextlib
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wwm_models.errors import WwmError

RIGHT, CLEAR, ACCEPTED = "right", "clear error", "accepted, no known truth"
TRACEBACK, WRONG, LOST = "traceback", "silent wrong", "lost or hung"
COLUMNS = (RIGHT, CLEAR, ACCEPTED, TRACEBACK, WRONG, LOST)
ZERO = (TRACEBACK, WRONG, LOST)
SECONDS = 60  # beyond which a case counts as hung, on a machine that others use too
LONGEST = 4000  # characters of a message that a person reads


class HungError(BaseException):
    """A case took longer than its seconds; no Exception, so that nothing under test can catch it."""


@dataclass
class Judged:
    """How many cases of each kind ended how, and those that should not have.

    Attributes
    ----------
    counts : Counter of (part, kind, column)
    faults : list of (part, kind, column, what)
        Enough of each to make it again.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, part: str, kind: str, column: str, what: str = "") -> None:
        """Count one case."""
        self.counts[part, kind, column] += 1
        if column in ZERO:
            self.faults.append((part, kind, column, what))

    def total(self, part: str, column: str | None = None) -> int:
        """Cases of a part, in one column or in all."""
        return sum(n for (own, _, ended), n in self.counts.items() if own == part and column in (None, ended))

    def parts(self) -> list[str]:
        """Names in the order in which they came."""
        return list(dict.fromkeys(part for part, _, _ in self.counts))


@contextlib.contextmanager
def within(seconds: int = SECONDS) -> Iterator[None]:
    """Raise `HungError` in a block that takes longer."""

    def ring(*_: object) -> None:
        raise HungError

    former = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def clear(message: str) -> bool:
    """Whether a message says what was found, and what was expected or what to do, at a length that is read."""
    sentences = [one for one in message.replace("? ", ". ").split(". ") if one.strip()]
    return len(sentences) >= 2 and len(message) <= LONGEST and "Traceback" not in message


def ended(task: Callable[[], str], seconds: int = SECONDS) -> tuple[str, str]:
    """Column and detail of a case; the task gives the column of a case that raised nothing."""
    try:
        with within(seconds):
            return task(), ""
    except WwmError as problem:
        return (CLEAR, "") if clear(str(problem)) else (TRACEBACK, f"an unclear message: {problem}")
    except HungError:
        return LOST, f"more than {seconds} seconds"
    except Exception:
        return TRACEBACK, traceback.format_exc(limit=-3)
