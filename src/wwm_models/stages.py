"""Stages of a run that may fail by themselves: a figure, a Word file, a check, a posterior, a claim.

What a stage was to give is then missing, a sentence says which stage and why, and everything else is made as if nothing had
happened. What may not be skipped (reading, what protects respondents, the folder itself) is no such stage.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from wwm_models.errors import DeclarationError, ExtraError, ResultsError, SchedulerError, WwmError
from wwm_models.messages import say

Given = TypeVar("Given")
# Wrong use, and a place that cannot be written: neither is about one stage.
PASSING: Final = (DeclarationError, ExtraError, SchedulerError, ResultsError)
_OF_MEMORY: Final = "There was not enough memory for it. Expected room for its numbers. Close other programs, or ask for less, and run again."
_OF_PROGRAM: Final = "Expected no such error: it is a fault of this program, not of the study."
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)


class Stages:
    """Attempts at stages, and what is wrong with those that failed.

    Examples
    --------
    >>> stages = Stages()
    >>> stages.attempt("figure-1", lambda: 1 / 0, otherwise=0)
    0
    >>> stages.problems[0][:58]
    'figure-1: failed. ZeroDivisionError. Expected no such erro'
    """

    def __init__(self) -> None:
        self._problems: list[str] = []

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence per failed stage, each once."""
        return tuple(dict.fromkeys(self._problems))

    def note(self, problems: Iterable[str]) -> None:
        """Take over what is wrong with stages that were attempted elsewhere."""
        self._problems += problems

    def attempt(self, stage: str, task: Callable[[], Given], *, otherwise: Given) -> Given:
        """What a task gives, or `otherwise` where it fails.

        Parameters
        ----------
        stage : str
            What is attempted, in the words of the study: the beginning of the sentence that says why it failed.
        task : function of nothing
        otherwise
            What stands for its result.

        Raises
        ------
        DeclarationError, ExtraError, ResultsError, SchedulerError, OSError
            Where the fault is the study's or the system's, and not this stage's alone. An interrupt ends the run.
        """
        try:
            return task()
        except PASSING:
            raise
        except OSError as problem:
            if problem.errno in _FULL:
                raise
            self._problems.append(failed_stage(stage, problem))
        except Exception as problem:
            self._problems.append(failed_stage(stage, problem))
        return otherwise


class AllOrNothing(Stages):
    """No stage may fail: for the call of one function, whose exception says what is wrong."""

    def attempt(self, stage: str, task: Callable[[], Given], *, otherwise: Given) -> Given:  # noqa: ARG002
        """What a task gives."""
        return task()


def is_fault(problem: str) -> bool:
    """Whether a problem is none of the study's, but one of memory or of this program.

    Examples
    --------
    >>> is_fault(failed(MemoryError())), is_fault(failed(WwmError("Too few answers.")))
    (True, False)
    """
    return _OF_PROGRAM in problem or _OF_MEMORY in problem


def failed_stage(stage: str, problem: Exception) -> str:
    """Say that a stage failed, and why."""
    return say("stage_failed", stage=stage, what=failed(problem))


def failed(problem: Exception) -> str:
    """Say why a stage failed: our own messages as they are, others by their kind and the line that raised them.

    What others say is left out: it may hold an answer, or a group that is too small to be spoken of, and nobody has checked it.

    Examples
    --------
    >>> failed(WwmError("Too few answers."))
    'Too few answers.'
    """
    if isinstance(problem, WwmError):
        return str(problem)
    return _OF_MEMORY if isinstance(problem, MemoryError) else say("program_fault", what=kind_of(problem))


def kind_of(problem: BaseException) -> str:
    """The kind of an exception, and the last line of ours that it passed, without what it says.

    Examples
    --------
    >>> kind_of(KeyError("a respondent's answer"))
    'KeyError'
    """
    return f"{type(problem).__name__}{_where(problem)}"


def _where(problem: BaseException) -> str:
    """The last line of ours that an exception passed, without the path of the machine."""
    import traceback

    frames = traceback.extract_tb(problem.__traceback__)
    ours = [
        (Path(*parts[parts.index("wwm_models") + 1 :]).as_posix(), frame.lineno)
        for frame in frames
        if "wwm_models" in (parts := Path(frame.filename).parts)
    ]
    ours = [(name, line) for name, line in ours if name != "stages.py"]
    return f" ({ours[-1][0]}, line {ours[-1][1]})" if ours else ""
