"""Errors a user can act on, one class per stage of the line.

Every message is a short paragraph in three parts: what was found and where, what was expected, what to do.
The command line prints it and exits with code 2; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

_MADE_BY: Final = {
    "Model": 'wwm.Model("outcome ~ group")',
    "Survey": "wwm.Survey.from_frame(frame, weight=...) or wwm.read_survey(file, codebook=...)",
    "Fit": "wwm.fit(model, survey)",
    "Posterior": "wwm.sample(model, survey, seed=1)",
    "Estimates": "wwm.adjusted(fit, by=...) or wwm.raw(survey, outcome, by=...)",
    "DataFrame": "pandas.DataFrame(...)",
}


_LONG_WORD: Final = re.compile(r"[^\s\"\']{300,}")  # longer than any path or address that was meant


def readable(message: str) -> str:
    """A message in which what a user gave, without any space in it, is cut where nobody reads on.

    Examples
    --------
    >>> readable("a" * 5000 + ' is not a file.')[195:]
    'aaaaa... (5000 characters) is not a file.'
    """
    return _LONG_WORD.sub(lambda found: f"{found[0][:200]}... ({len(found[0])} characters)", message)


def of_system(problem: OSError) -> str:
    """The message of a file or place that the operating system refuses."""
    what = "output" if problem.filename is None else str(problem.filename)
    return (
        f"{what}: {problem.strerror or problem}. Expected files that can be read, and places with room and the right to write. Repair that "
        "and give the same command again: earlier results are untouched, finished models are kept."
    )


class WwmError(Exception):
    """Base of every error that is about the user's input rather than about our code; its message is `readable`."""

    def __init__(self, *given: object) -> None:
        super().__init__(*(readable(one) if isinstance(one, str) else one for one in given))


class DeclarationError(WwmError):
    """A TOML file cannot be read, or says something that is not in its schema."""


class SurveyError(WwmError):
    """A data file, a codebook or a weight cannot be turned into a survey."""


class TooLargeError(SurveyError):
    """A file or a table needs more memory than there is to read it whole."""


class ModelError(WwmError):
    """A formula, family, link or option does not describe a model of this survey."""


class AnswersError(ModelError):
    """What a model declares is in order, but the answers of this survey do not allow it: too few, or without an order."""


class RankError(AnswersError):
    """The columns of a formula are linearly dependent on the observed patterns."""


class FitError(WwmError):
    """The likelihood has no usable maximum."""


class SeparationError(FitError):
    """Some coefficient is infinite at the maximum of the likelihood."""


class ExtraError(WwmError):
    """A library is not installed that only some uses of this package need."""


class SchedulerError(WwmError):
    """Many fits cannot be sent where they were to be made."""


class ProcessError(WwmError):
    """A process that was to give a result ended before it did."""


class ArgumentError(WwmError):
    """A function was given an argument of another kind than it takes."""


class AdjustError(WwmError):
    """An estimate was asked for that the fit cannot give."""


class ImputationError(WwmError):
    """Missing answers cannot be completed, or estimates of completed surveys cannot be joined."""


class ArticleError(WwmError):
    """A published number or a claim does not fit the study's variables."""


class ResultsError(WwmError):
    """A results folder is missing, incomplete or changed since it was written."""


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Give ``' Did you mean "x"?'`` for the known name nearest to `name`, or an empty string.

    Examples
    --------
    >>> did_you_mean("logitt", ["logit", "probit"])
    ' Did you mean "logit"?'
    >>> did_you_mean("zzz", ["logit", "probit"])
    ''
    >>> did_you_mean(1, ["logit", "probit"])  # a caller's name may be anything
    ''
    """
    close = difflib.get_close_matches(str(name), [str(one) for one in known], n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


def group_in_words(group: Iterable[tuple[object, object]]) -> str:
    """A group by its variables and levels, as messages speak of it.

    Examples
    --------
    >>> group_in_words([("age", "18-34"), ("household", "alone")]), group_in_words([])
    ('age 18-34, household alone', 'everyone')
    """
    return ", ".join(f"{name} {level}" for name, level in group) or "everyone"


def listed(items: Iterable[object], most: int = 5) -> str:
    """Give the first `most` items in a sentence, and how many more there are.

    Examples
    --------
    >>> listed([1, 2, 3], most=2)
    '1, 2 and 1 more'
    """
    every = [str(item) for item in items]
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def expect(value: object, kinds: tuple[type, ...], what: str, error: type[WwmError]) -> None:
    """Refuse an object of another kind than a function works on, and say how to make the right one.

    Parameters
    ----------
    value : object
    kinds : tuple of types
    what : str
        Which argument it is, as the subject of a sentence.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> expect({}, (float,), "The level", ModelError)
    Traceback (most recent call last):
    ...
    wwm_models.errors.ModelError: The level is of type dict. Expected one of type float.
    """
    if isinstance(value, kinds):
        return
    names = [kind.__name__ for kind in kinds]
    made = [_MADE_BY[name] for name in names if name in _MADE_BY]
    advice = f" Make one with {', or '.join(made)}." if made else ""
    raise error(f"{what} is of type {type(value).__name__}. Expected one of type {' or '.join(names)}.{advice}")
