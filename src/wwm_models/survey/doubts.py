"""What a codebook says of weights that cannot be meant (`records.doubts`): refused until declared missing, or accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wwm_models.errors import SurveyError
from wwm_models.records.doubts import Spread, codes_among, dominant, unequal
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.raw import plainly


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


def refuse_dominant(spread: Spread, path: Path | str, codebook: Codebook) -> None:
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


def unequal_weights(spread: Spread, codebook: Codebook) -> tuple[str, ...]:
    """Warn of sampling weights that differ so much that few respondents carry the result."""
    sampling = codebook.sampling
    return unequal(spread, sampling.weight) if sampling.weight_kind == "sampling" else ()
