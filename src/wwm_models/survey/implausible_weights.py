"""Weights that cannot be meant: codes for a missing weight, a respondent who decides the result, very unequal weights.

Only sums are asked for here, so that the same words hold for weights in memory and for weights that an engine has summed. They are refused
until the codebook declares them missing, or accepts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.arguments import first_rows
from wwm_models.errors import SurveyError
from wwm_models.survey.columns import plainly

if TYPE_CHECKING:
    from wwm_models.survey.codebook import Codebook


CODES: Final = (9, 97, 98, 99, 997, 998, 999, 9997, 9998, 9999)
_MOST_OF_TOTAL: Final = 0.05  # more than this in one respondent is an error until accepted
_LARGE_WEIGHT: Final = 10.0  # times the mean: in small samples honest designs have 7 (R's apiclus2, 126 rows)
_LARGE_EFFECT: Final = 3.0  # Kish, L. (1965): n sum(w^2) / sum(w)^2


@dataclass(frozen=True, eq=False)
class WeightVariation:
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


def spread_of(weights: NDArray[np.float64], domain: NDArray[np.bool_]) -> WeightVariation:
    """Give what is known of the weights of the domain together."""
    inside = weights[domain]
    largest = float(inside.max(initial=0.0))
    scaled = inside / max(largest, 1e-300)  # huge weights have no square
    return WeightVariation(
        len(inside), float(inside.sum()), largest, len(inside) * float((scaled**2).sum()) / max(float(scaled.sum()) ** 2, 1e-300),
        lambda limit: first_rows(np.flatnonzero(domain & (weights > limit)), len(weights)),
    )  # fmt: skip


def counted_codes(weights: NDArray[np.float64]) -> tuple[dict[int, int], float]:
    """Give how often each of the usual missing codes occurs among the weights, and the largest other weight (0 for none)."""
    rest = weights[~np.isin(weights, CODES)]
    return {code: int((weights == code).sum()) for code in CODES}, float(rest.max(initial=0.0))


def codes_among(counts: Mapping[int, int], largest: float, name: str, said: Callable[[int], str]) -> tuple[int, str]:
    """Give the code that stands among the weights and what that is, or 0: all others are less than a third of it.

    A 9 must occur twice: one respondent of weight 9 is nothing special.

    Parameters
    ----------
    counts : mapping of code to rows
    largest : float
        The largest weight that is no code; 0 where there is none.
    name : str
        Of the weight.
    said : function of a code
        Says in how many rows it stands.
    """
    for code in CODES:
        if counts[code] < (2 if code == 9 else 1) or largest <= 0 or largest >= code / 3:
            continue
        return code, (
            f'weight "{name}" is {code} in {said(code)}; the largest other weight is {largest:g}. Expected weights, not codes for a '
            "missing weight."
        )
    return 0, ""


def dominant(spread: WeightVariation, name: str) -> str:
    """Say that a respondent holds more than 5 percent of the weight of the domain, and over ten times the mean; empty where none."""
    limit = max(_MOST_OF_TOTAL * spread.total, _LARGE_WEIGHT * spread.mean) if spread.total > 0 else 0.0
    if spread.total <= 0 or spread.largest <= limit:
        return ""
    return (
        f'weight "{name}": {spread.above(limit)} hold more than 5 percent of the total weight of the {spread.respondents} respondents in '
        f"the domain; the largest, {spread.largest:g}, is {spread.largest / spread.total:.1%} of it and "
        f"{spread.largest / spread.mean:.1f} times the mean. Expected no respondent to decide the result."
    )


def unequal(spread: WeightVariation, name: str) -> tuple[str, ...]:
    """Warn of sampling weights that differ so much that few respondents carry the result.

    That is when the largest is over ten times the mean, or when they more than triple the variance (Kish's design effect).
    """
    if spread.total <= 0:
        return ()
    found: list[str] = []
    largest = spread.largest / spread.mean
    if largest > _LARGE_WEIGHT:
        found.append(
            f'Weight "{name}": {spread.above(_LARGE_WEIGHT * spread.mean)} have more than {_LARGE_WEIGHT:g} times the mean weight '
            f"(the largest {largest:.1f} times). Look whether they can be meant, or trim them with wwm.trim."
        )
    if spread.effect > _LARGE_EFFECT:
        found.append(
            f'Weight "{name}": the design effect of unequal weights is {spread.effect:.2f}, so {spread.respondents} respondents tell as '
            f"much as {spread.respondents / spread.effect:.0f} of equal weight. Trim the weights, or rake to fewer margins."
        )
    return tuple(found)


def refuse_codes(counts: dict[int, int], largest: float, said: Callable[[int], str], path: Path | str, codebook: Codebook) -> None:  # fmt: skip
    """Refuse weights that are exactly a usual missing code, all others being less than a third of it.

    Parameters
    ----------
    counts, largest, said
        As for `codes_among`.
    path, codebook
        For the message.
    """
    code, found = codes_among(counts, largest, codebook.sampling.weight, said)
    if code:
        raise SurveyError(
            f"{path}: {found} If {code} means that the weight is missing, write in [survey] of {codebook.path}: `weight_missing_codes = "
            f"[{code}]` (these rows then leave the domain and are counted); if it is a weight, write `accept_extreme_weights = true`."
        )


def refuse_dominant(spread: WeightVariation, path: Path | str, codebook: Codebook) -> None:
    """Refuse a respondent who holds more than 5 percent of the weight of the domain, and over ten times the mean.

    Not asked of frequency weights, nor where the codebook accepts extreme weights.
    """
    sampling = codebook.sampling
    if sampling.weight_kind != "sampling" or sampling.accept_extreme_weights:
        return
    found = dominant(spread, sampling.weight)
    if found:
        raise SurveyError(
            f"{path}: {found} Repair the weight, declare it in [survey] of {codebook.path} as `weight_missing_codes = "
            f"[{plainly(float(spread.largest))}]`, or write `accept_extreme_weights = true`."
        )


def unequal_weights(spread: WeightVariation, codebook: Codebook) -> tuple[str, ...]:
    """Warn of sampling weights that differ so much that few respondents carry the result."""
    sampling = codebook.sampling
    return unequal(spread, sampling.weight) if sampling.weight_kind == "sampling" else ()
