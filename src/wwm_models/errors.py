"""Errors a user can act on, one class per stage of the line.

Every message is a short paragraph in three parts: what was found and where, what was expected, what to do.
The command line prints it and exits with code 2; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WwmError(Exception):
    """Base of every error that is about the user's input rather than about our code."""


class DeclarationError(WwmError):
    """A TOML file cannot be read, or says something that is not in its schema."""


class SurveyError(WwmError):
    """A data file, a codebook or a weight cannot be turned into a survey."""


class TooLargeError(SurveyError):
    """A file or a table needs more memory than there is to read it whole."""


class ModelError(WwmError):
    """A formula, family, link or option does not describe a model of this survey."""


class RankError(ModelError):
    """The columns of a formula are linearly dependent on the observed patterns."""


class FitError(WwmError):
    """The likelihood has no usable maximum."""


class SeparationError(FitError):
    """Some coefficient is infinite at the maximum of the likelihood."""


class SchedulerError(WwmError):
    """Many fits cannot be sent where they were to be made."""


class AdjustError(WwmError):
    """An estimate was asked for that the fit cannot give."""


class ImputationError(WwmError):
    """Missing answers cannot be completed, or estimates of completed surveys cannot be joined."""


class ArticleError(WwmError):
    """A published number or a claim does not fit the study's variables."""


class ResultsError(WwmError):
    """A results folder is missing, incomplete or changed since it was written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give ``' Did you mean "x"?'`` for the known name nearest to `name`, or an empty string.

    Examples
    --------
    >>> did_you_mean("logitt", ["logit", "probit"])
    ' Did you mean "logit"?'
    >>> did_you_mean("zzz", ["logit", "probit"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


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
