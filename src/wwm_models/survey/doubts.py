"""Weights that cannot be meant: codes for a missing weight, a respondent who decides the result, very unequal weights.

Only sums are asked for here, so that the same words hold for weights in memory and for weights that an engine has summed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.raw import plainly

CODES: Final = (9, 97, 98, 99, 997, 998, 999, 9997, 9998, 9999)
_MOST_OF_TOTAL: Final = 0.05  # more than this in one respondent is an error until accepted
_TIMES_MEAN: Final = 5.0  # in a sample below 100, equal weights already exceed 5 percent each
_LARGE_WEIGHT: Final = 10.0  # times the mean
_LARGE_EFFECT: Final = 3.0  # Kish, L. (1965): n sum(w^2) / sum(w)^2


@dataclass(frozen=True, eq=False)
class Spread:
    """The weights of the domain.

    Attributes
    ----------
    respondents : int
    total, largest : float
        Sum and largest.
    effect : float
        Kish's design effect, ``n sum(w^2) / sum(w)^2``, 1 or more.
    above : function of a number
        Says how many respondents of the domain weigh more, of how many rows in the file.
    """

    respondents: int
    total: float
    largest: float
    effect: float
    above: Callable[[float], str]

    @property
    def mean(self) -> float:
        """Mean weight."""
        return self.total / self.respondents


def refuse_codes(counts: dict[int, int], largest: float, said: Callable[[int], str], path: Path | str, codebook: Codebook) -> None:  # fmt: skip
    """Refuse weights that are exactly a usual missing code, all others being less than a third of it.

    A 9 must occur twice: one respondent of weight 9 is nothing special.

    Parameters
    ----------
    counts : mapping of code to rows
    largest : float
        The largest weight that is no code; 0 where there is none.
    said : function of a code
        Says in how many rows it stands.
    path, codebook
        For the message.
    """
    for code in CODES:
        if counts[code] < (2 if code == 9 else 1) or largest <= 0 or largest >= code / 3:
            continue
        raise SurveyError(
            f'{path}: weight "{codebook.sampling.weight}" is {code} in {said(code)}; the '
            f"largest other weight is {largest:g}. Expected weights, not codes for a missing weight. If {code} "
            f"means that the weight is missing, write in [survey] of {codebook.path}: `weight_missing_codes = "
            f"[{code}]` (these rows then leave the domain and are counted); if it is a weight, write "
            "`accept_extreme_weights = true`."
        )


def refuse_dominant(spread: Spread, path: Path | str, codebook: Codebook) -> None:
    """Refuse a respondent who holds more than 5 percent of the weight of the domain, and over five times the mean.

    Not asked of frequency weights, nor where the codebook accepts extreme weights.
    """
    sampling = codebook.sampling
    if sampling.weight_kind != "sampling" or sampling.accept_extreme_weights or spread.total <= 0:
        return
    most, limit = spread.largest, max(_MOST_OF_TOTAL * spread.total, _TIMES_MEAN * spread.mean)
    if most <= limit:
        return
    raise SurveyError(
        f'{path}: weight "{sampling.weight}": {spread.above(limit)} hold more than 5 percent of the '
        f"total weight of the {spread.respondents} respondents in the domain; the largest, {most:g}, is "
        f"{most / spread.total:.1%} of it and {most / spread.mean:.1f} times the mean. Expected no respondent to decide the result. "
        f"Repair the weight, declare it in [survey] of {codebook.path} as `weight_missing_codes = "
        f"[{plainly(float(most))}]`, or write `accept_extreme_weights = true`."
    )


def unequal_weights(spread: Spread, codebook: Codebook) -> tuple[str, ...]:
    """Warn of sampling weights that differ so much that few respondents carry the result.

    That is when the largest is over ten times the mean, or when they more than triple the variance (Kish's design effect).
    """
    sampling, respondents = codebook.sampling, spread.respondents
    if sampling.weight_kind != "sampling" or spread.total <= 0:
        return ()
    found: list[str] = []
    largest = spread.largest / spread.mean
    if largest > _LARGE_WEIGHT:
        found.append(
            f'Weight "{sampling.weight}": {spread.above(_LARGE_WEIGHT * spread.mean)} have more than {_LARGE_WEIGHT:g} times the mean weight '
            f"(the largest {largest:.1f} times). Look whether they can be meant, or trim them with wwm.trim."
        )
    if spread.effect > _LARGE_EFFECT:
        found.append(
            f'Weight "{sampling.weight}": the design effect of unequal weights is {spread.effect:.2f}, so {respondents} respondents tell as '
            f"much as {respondents / spread.effect:.0f} of equal weight. Trim the weights, or rake to fewer margins."
        )
    return tuple(found)
