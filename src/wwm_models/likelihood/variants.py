"""Another form of a fitted model: a slope per cut point for every term, or no order of the answers at all.

One rule for everything that asks what the form of a model matters: the size of a departure from parallel slopes, the variants of
every reported number, the tipping-point analysis and the comparison of engines.
"""

from __future__ import annotations

from dataclasses import replace
from keyword import iskeyword

import numpy as np

from wwm_models.errors import WwmError
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.fit import fit as fit_model
from wwm_models.models.design import without_bounds
from wwm_models.models.formula import formula_variables
from wwm_models.models.model import Model

FORMS = ("nonproportional", "multinomial")


def variant(fit: Fit, form: str) -> Model | str:
    """The model of a fit in another form, or why there is none.

    Parameters
    ----------
    fit : Fit
    form : {"nonproportional", "multinomial"}
        With a slope per cut point for every term; or as `multinomial_of`.

    Returns
    -------
    Model or str
        Monotonic effects become steps whose signs are free. Family, link, direction, scale part and cut points of a
        nonproportional variant are those of the fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from wwm_models import Survey, fit
    >>> frame = pd.DataFrame({"y": [1, 2, 3, 3, 2, 1, 2, 3], "x": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5, 0.5]})
    >>> variant(fit(Model("y ~ x", link="probit"), Survey.from_frame(frame, weight=None)), "nonproportional").nonproportional
    ('x',)
    """
    model = fit.model
    if not fit.family.parallel:
        return f"the {fit.family.name} family has a slope for every answer already."
    if len(fit.design.order) < 3:
        return "two answers have one slope in every form."
    if form == "multinomial":
        return multinomial_of(fit)
    terms = location_terms(fit)
    if not set(terms) - set(model.nonproportional):
        return "no slope is common to the cut points."
    free = tuple(dict.fromkeys(without_bounds(term) for term in terms))
    return replace(model, formula=without_bounds(model.formula), nonproportional=free)


def multinomial_of(fit: Fit) -> Model:
    """The multinomial model of every variable that a fit's model uses.

    Variables of the scale part that the formula lacks, and the groups with cut points of their own, are predictors of it.
    """
    model = fit.model
    known = [str(name) for name in fit.survey.frame.columns]
    inside = formula_variables(model.formula, known)
    extra = [name for name in (formula_variables(model.scale, known) if model.scale else ()) if name not in inside]
    if model.thresholds_by is not None:
        extra.append(model.thresholds_by)
    terms = [name if name.isidentifier() and not iskeyword(name) else f"Q({name!r})" for name in dict.fromkeys(extra)]
    formula = " + ".join([without_bounds(model.formula), *terms])
    return replace(Model(formula, family="multinomial"), baseline=model.baseline)


def location_terms(fit: Fit) -> tuple[str, ...]:
    """Terms of the formula, each once, without those of the scale part."""
    return tuple(dict.fromkeys(term for term in fit.design.terms[: fit.design.linear.shape[2]] if term))


def refitted(fit: Fit, form: str) -> Fit | str:
    """The same respondents' fit in another form, with the penalty of the fit, or why there is none.

    Parameters
    ----------
    fit : Fit
    form : {"nonproportional", "multinomial"}

    Returns
    -------
    Fit or str
        A fit has the status "ok" and the inverse information as covariance. It is made once, and kept with the fit.
    """
    if form not in fit.others:
        fit.others[form] = _refitted(fit, form)
    return fit.others[form]


def _refitted(fit: Fit, form: str) -> Fit | str:
    model = variant(fit, form)
    if isinstance(model, str):
        return model
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # on the way to a maximum at infinity; the status says so
            found = fit_model(
                model, fit.survey, vcov="model", aliased="drop" if fit.design.dropped else "error", penalty=fit.penalty
            )
    except WwmError as problem:
        return str(problem)
    return found if found.status == "ok" else found.message
