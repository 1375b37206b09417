"""A fitted model as text, in the manner of statsmodels, with what was excluded and what an odds ratio is not.

`reported_parameters` are those that it shows, also of cut points beside an answer that nobody gave.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wwm_models.likelihood.multistage import number_of_units
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import critical_value, two_sided_p

if TYPE_CHECKING:
    from wwm_models.likelihood.fit import Fit


@dataclass(frozen=True, eq=False)
class NamedParameters:
    """Parameters by their public names.

    Attributes
    ----------
    params : Series
    vcov : DataFrame
        Missing for an infinite parameter.
    notes : tuple of str
    """

    params: pd.Series
    vcov: pd.DataFrame
    notes: tuple[str, ...] = ()


def reported_parameters(
    theta: Array, theta_vcov: Array, cells: Cells, design: Design, *, reverse: bool
) -> NamedParameters:
    """Give every cut point its place.

    An increment that a monotonic term has pooled is zero, without a standard error.
    An empty answer in the middle makes its two cut points equal; an empty first or last answer puts its cut point at
    minus or plus infinity. Intercepts of a multinomial model have no such order; an empty answer has no parameters.

    Parameters
    ----------
    theta, theta_vcov : (p,) and (p, p) arrays
    cells, design : records
    reverse : bool
        Whether the answers are read backwards.
    """
    found = _fitted_parameters(theta, theta_vcov, cells, design, reverse=reverse)
    if not design.pooled:
        return found
    names = [*found.params.index, *design.pooled]
    params = found.params.reindex(names, fill_value=0.0)
    return NamedParameters(params, found.vcov.reindex(index=names, columns=names), found.notes)


def _fitted_parameters(
    theta: Array, theta_vcov: Array, cells: Cells, design: Design, *, reverse: bool
) -> NamedParameters:
    used = list(design.order)
    expected = [f"{cells.categories[a]}|{cells.categories[b]}" for a, b in itertools.pairwise(used)]
    flexible = list(design.names[: len(expected)]) == expected
    if len(used) == len(cells.categories) or not flexible:
        return _named(theta, theta_vcov, list(design.names), np.eye(len(theta)), {})
    every = list(range(len(cells.categories)))[:: -1 if reverse else 1]
    names: list[str] = []
    source: list[int | None] = []
    infinite: dict[str, float] = {}
    for position in range(len(every) - 1):
        name = f"{cells.categories[every[position]]}|{cells.categories[every[position + 1]]}"
        passed = sum(answer in used for answer in every[: position + 1])
        names.append(name)
        inside = 0 < passed < len(used)
        source.append(passed - 1 if inside else None)
        if not inside:
            infinite[name] = -np.inf if passed == 0 else np.inf
    slopes = range(len(expected), len(theta))
    rows = [*source, *slopes]
    spread = np.zeros((len(rows), len(theta)))
    for row, column in enumerate(rows):
        if column is not None:
            spread[row, column] = 1.0
    return _named(theta, theta_vcov, [*names, *(design.names[j] for j in slopes)], spread, infinite)


def _named(
    theta: Array, theta_vcov: Array, names: list[str], spread: Array, infinite: dict[str, float]
) -> NamedParameters:
    index = pd.Index(names, dtype=object)
    params = pd.Series(spread @ theta, index=index, name="estimate")
    vcov = pd.DataFrame(spread @ theta_vcov @ spread.T, index=index, columns=index)
    for name, value in infinite.items():
        params[name] = value
        vcov.loc[name, :] = np.nan
        vcov.loc[:, name] = np.nan
    return NamedParameters(params, vcov)


WIDTH = 92


def summary(fit: Fit, level: float = 0.95) -> str:
    """The text that ``fit.summary()`` gives.

    Parameters
    ----------
    fit : Fit
    level : float
        Of the intervals.
    """
    return "\n".join([*_head(fit), "=" * WIDTH, *_coefficients(fit, level), "=" * WIDTH, *_notes(fit)])


def _head(fit: Fit) -> list[str]:
    left = [
        ("Outcome", fit.cells.outcome),
        ("Family", f"{fit.model.family}, {fit.model.link}"),
        ("Formula", fit.model.formula),
        ("Model", _formula_text(fit)),
        (
            "Answers",
            " < ".join(fit.cells.categories) if fit.family.ordered_answers else ", ".join(fit.cells.categories),
        ),
        ("Method", "maximum likelihood" + (f", {fit.penalty} penalty" if fit.penalty else "")),
        (
            "Covariance",
            fit.vcov_kind + ("" if np.isinf(fit.design_df) else f", {fit.design_df:g} design degrees of freedom"),
        ),
        ("Respondents", f"{fit.n} (effective {fit.n_effective:.0f}); {len(fit.cells.patterns)} patterns"),
        ("Weights", _weights_text(fit)),
        ("Design", _design_text(fit)),
        ("Log-likelihood", f"{fit.loglik:.4f}" + (" (pseudo)" if fit.survey.weight_kind == "sampling" else "")),
        ("Status", f"{fit.status}, {fit.iterations} iterations, largest gradient {fit.gradient_norm:.1e}"),
    ]
    left[4:4] = [(name, text) for name, text in _structure(fit) if text]
    return ["=" * WIDTH, *(f"{name + ':':<16}{text}" for name, text in left)]


def _formula_text(fit: Fit) -> str:
    spread = "" if fit.model.scale is None else ", the argument of F divided by exp(z s)"
    return fit.family.formula + spread + (" (answers read backwards)" if fit.model.reverse else "")


def _has_odds_ratios(fit: Fit) -> bool:
    """Whether exp(slope) is a ratio of odds: with unequal spread it is not the same for everybody."""
    return fit.model.link == "logit" and fit.model.scale is None


def _structure(fit: Fit) -> list[tuple[str, str]]:
    """What departs from parallel slopes, free cut points and one spread."""
    model = fit.model
    by = f", for each {model.thresholds_by}" if model.thresholds_by else ""
    return [
        ("Cut points", "" if model.thresholds == "flexible" and not by else f"{model.thresholds}{by}"),
        ("Own slopes", ", ".join(model.nonproportional)),
        ("Log scale", model.scale or ""),
    ]


def _weights_text(fit: Fit) -> str:
    if fit.survey.weight_kind != "sampling":
        return fit.survey.weight_kind
    return f"sampling, scaled to mean one; design effect of weighting {fit.n / fit.n_effective:.3f} (Kish)"


def _design_text(fit: Fit) -> str:
    """Strata and sampling units of the full sample, first stage, as the covariance may use them."""
    made, design = fit.survey.replicates, fit.survey.design
    if made is not None:
        return f"{made.weights.shape[1]} replicate weights ({made.kind})"
    if design is None:
        return "respondents taken as independent"
    parts = [
        f"{len(np.unique(design.strata[:, 0]))} strata",
        f"{number_of_units(design)} sampling units",
        f"{design.psu.shape[1]} stages" if design.psu.shape[1] > 1 else "",
        "finite population correction" if design.fpc is not None else "",
        "calibrated weights" if design.calibrations else "",
    ]
    return ", ".join(part for part in parts if part)


def _coefficients(fit: Fit, level: float) -> list[str]:
    letter = "z" if np.isinf(fit.design_df) else "t"
    critical = critical_value(level, fit.design_df)
    tail = f"{(1 - level) / 2:.3f}", f"{(1 + level) / 2:.3f}"
    ratio = "odds ratio" if _has_odds_ratios(fit) else ""
    lines = [
        f"{'':<34}{'coef':>9}{'std err':>9}{letter:>8}{f'P>|{letter}|':>8}{'[' + tail[0]:>9}{tail[1] + ']':>9}{ratio:>11}",
        "-" * WIDTH,
    ]
    slopes = set(np.array(fit.design.names)[~fit.design.is_cut])
    for name, estimate, error in zip(fit.params.index, fit.params, fit.std_errors, strict=True):
        value = estimate / error if error > 0 else np.nan
        p = two_sided_p(value, fit.design_df)
        odds = f"{np.exp(estimate):>11.3f}" if ratio and name in slopes and not str(name).startswith("scale:") else ""
        low, high = estimate - critical * error, estimate + critical * error
        lines.append(
            f"{str(name)[:33]:<34}{estimate:>9.4f}{error:>9.4f}{value:>8.3f}{p:>8.3f}{low:>9.3f}{high:>9.3f}{odds}"
        )
    return lines


def _notes(fit: Fit) -> list[str]:
    notes = [f"Excluded: {reason}: {count} rows." for reason, count in fit.cells.excluded.items()]
    outside = fit.survey.respondents(~fit.survey.domain)
    notes += [f"Outside the domain: {outside} rows; they keep the sampling design."] if outside else []
    notes += [f"Note: {text}" for text in fit.warnings]
    notes += [f"NOT USABLE: {fit.message}"] if fit.message else []
    notes.append(
        f"Estimand: conditional on {', '.join(map(str, fit.cells.patterns.columns)) or 'nothing'}; for percentages use adjusted(fit, by=...)."
    )
    if _has_odds_ratios(fit):
        notes.append(
            "Odds ratios are not comparable across models or populations: they change when any predictor of the answer is added."
        )
    if fit.survey.synthetic:
        notes.insert(0, "SYNTHETIC respondents: not findings about people.")
    return notes
