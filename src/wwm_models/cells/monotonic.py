"""Monotonic effects of ordered predictors: ``mo(x)`` in a formula.

An ordered predictor with levels 0..L enters as b_1 1(x >= 1) + ... + b_L 1(x >= L); under ``mo(x)`` the increments b_l all have
one sign, which the answers decide. Written as b D sum zeta_l with zeta a simplex this is the parametrisation of Buerkner and
Charpentier (2020); the set of effects is the same. The engine finds the maximum under the signs (`engines.monotonic`).

References
----------
Buerkner, P.-C. and Charpentier, E. (2020). Modelling monotonic effects of ordinal predictors in Bayesian regression models.
British Journal of Mathematical and Statistical Psychology 73, 420-451. doi:10.1111/bmsp.12195
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.cells.formula import Encoder
from wwm_models.errors import AnswersError, ModelError, listed
from wwm_models.families import FAMILIES, Model
from wwm_models.records import Design, Survey

Array = NDArray[np.float64]
_CALL = re.compile(r"\bmo\s*\(")
_TERM = re.compile(r"mo\((?:Q\(['\"])?([^'\")]+)(?:['\"]\))?\)")


def with_increments(
    design: Design, encoder: Encoder, columns: Array, make: Callable[[Encoder, Array], Design]
) -> Design:
    """The design with its monotonic increments named, and a way to leave some of them out.

    Parameters
    ----------
    design : Design
    encoder : Encoder
    columns : (P, q) array
        Of the encoder, on the patterns.
    make : function of an encoder and its columns -> Design
    """
    groups: dict[str, tuple[str, ...]] = {term: () for term in encoder.terms if _CALL.match(term)}
    for name, term in zip(encoder.names, encoder.terms, strict=True):
        if term in groups:
            groups[term] = (*groups[term], name)
    if not groups:
        return design

    def without(names: tuple[str, ...]) -> Design:
        kept = np.array([j for j, name in enumerate(encoder.names) if name not in names], dtype=np.intp)
        reduced = replace(
            encoder,
            names=tuple(encoder.names[j] for j in kept),
            terms=tuple(encoder.terms[j] for j in kept),
            kept=encoder.kept[kept],
        )
        return replace(make(reduced, columns[:, kept]), dropped=design.dropped, pooled=names)

    return replace(design, monotone=tuple(groups.values()), without=without)


def without_bounds(formula: str) -> str:
    """The formula with steps whose signs are free in place of monotonic ones.

    Examples
    --------
    >>> without_bounds("y ~ mo(age) + x")
    'y ~ C(age, Step) + x'
    """
    return re.sub(r"\bmo\s*\(((?:Q\([^)]*\))|[^)]*)\)", r"C(\1, Step)", formula)


def refuse_impossible_monotony(model: Model, survey: Survey, encoder: Encoder) -> None:
    """Raise where ``mo()`` is given something without an order, or a slope that is not one number per level."""
    terms = list(dict.fromkeys(term for term in encoder.terms if _CALL.search(term)))
    for term in terms:
        found = _TERM.fullmatch(term)
        if found is None:
            raise ModelError(
                f'"{term}": mo() must be a term of its own, of one variable, because an interaction of increments has no single '
                "direction. Use C(x, Step) in interactions."
            )
        column = survey.frame[found.group(1)]
        if not isinstance(column.dtype, pd.CategoricalDtype) or not column.cat.ordered:
            raise AnswersError(
                f'"{term}": "{found.group(1)}" has no declared order of levels. Expected kind = "ordered" in the codebook, or an ordered '
                "pandas Categorical in a frame."
            )
    if terms and not FAMILIES[model.family].parallel:
        raise ModelError(
            f"{listed(terms)}: a monotonic effect needs one slope for all answers, which the {model.family} family has not. "
            "Use the variable itself."
        )
    own = [term for term in terms if term in model.nonproportional]
    if own:
        raise ModelError(
            f"nonproportional names {listed(own)}: increments that differ between cut points have no single direction. "
            "Use C(x, Step), or leave the term proportional."
        )
    if model.scale and _CALL.search(model.scale):
        raise ModelError(f'scale = "{model.scale}": mo() belongs to the location of the answers. Use C(x, Step).')
