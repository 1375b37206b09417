"""A fitted model as text, in the manner of statsmodels, with what was excluded and what an odds ratio is not."""

from __future__ import annotations

import numpy as np
from scipy import stats

from wwm_models.numerics.intervals import critical_value
from wwm_models.records import Fit

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
        ("Model", fit.family.formula + (" (answers read backwards)" if fit.model.reverse else "")),
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
        ("Log-likelihood", f"{fit.loglik:.4f}" + (" (pseudo)" if fit.survey.weight_kind == "sampling" else "")),
        ("Status", f"{fit.status}, {fit.iterations} iterations, largest gradient {fit.gradient_norm:.1e}"),
    ]
    return ["=" * WIDTH, *(f"{name + ':':<16}{text}" for name, text in left)]


def _coefficients(fit: Fit, level: float) -> list[str]:
    letter = "z" if np.isinf(fit.design_df) else "t"
    critical = critical_value(level, fit.design_df)
    tail = f"{(1 - level) / 2:.3f}", f"{(1 + level) / 2:.3f}"
    ratio = "odds ratio" if fit.model.link == "logit" else ""
    lines = [
        f"{'':<34}{'coef':>9}{'std err':>9}{letter:>8}{f'P>|{letter}|':>8}{'[' + tail[0]:>9}{tail[1] + ']':>9}{ratio:>11}",
        "-" * WIDTH,
    ]
    slopes = set(np.array(fit.design.names)[~fit.design.is_cut])
    for name, estimate, error in zip(fit.params.index, fit.params, fit.std_errors, strict=True):
        value = estimate / error if error > 0 else np.nan
        p = 2 * (stats.norm.sf(abs(value)) if np.isinf(fit.design_df) else stats.t.sf(abs(value), fit.design_df))
        odds = f"{np.exp(estimate):>11.3f}" if ratio and name in slopes and not str(name).startswith("scale:") else ""
        low, high = estimate - critical * error, estimate + critical * error
        lines.append(
            f"{str(name)[:33]:<34}{estimate:>9.4f}{error:>9.4f}{value:>8.3f}{p:>8.3f}{low:>9.3f}{high:>9.3f}{odds}"
        )
    return lines


def _notes(fit: Fit) -> list[str]:
    notes = [f"Excluded: {reason}: {count} rows." for reason, count in fit.cells.excluded.items()]
    outside = int((~fit.survey.domain).sum())
    notes += [f"Outside the domain: {outside} rows; they keep the sampling design."] if outside else []
    notes += [f"Note: {text}" for text in fit.warnings]
    notes += [f"NOT USABLE: {fit.message}"] if fit.message else []
    notes.append(
        f"Estimand: conditional on {', '.join(map(str, fit.cells.patterns.columns)) or 'nothing'}; for percentages use adjusted(fit, by=...)."
    )
    if fit.model.link == "logit":
        notes.append(
            "Odds ratios are not comparable across models or populations: they change when any predictor of the answer is added."
        )
    if fit.survey.synthetic:
        notes.insert(0, "SYNTHETIC respondents: not findings about people.")
    return notes
