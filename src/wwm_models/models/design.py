"""The constraint array: every linear predictor of every pattern as a linear map of the parameters.

Cut points by group (`by_group`): every level of a variable has cut points of its own, of the declared structure (Buerkner and Vuorre 2019). With
flexible cut points this is the model in which the variable's effect differs between the cut points; with equidistant or symmetric ones it is not,
since then the groups differ in place and spacing only.

Monotonic effects (`with_increments`), ``mo(x)`` in a formula: an ordered predictor with levels 0..L enters as b_1 1(x >= 1) + ... + b_L 1(x >= L);
the increments b_l all have one sign, which the answers decide. Written as b D sum zeta_l with zeta a simplex this is the parametrisation of Buerkner
and Charpentier (2020); the set of effects is the same. The engine finds the maximum under the signs (`likelihood.maximum`).

References
----------
Buerkner, P.-C. and Charpentier, E. (2020). Modelling monotonic effects of ordinal predictors in Bayesian regression models.
British Journal of Mathematical and Statistical Psychology 73, 420-451. doi:10.1111/bmsp.12195
Buerkner, P.-C. and Vuorre, M. (2019). Ordinal regression models in psychology: a tutorial. Advances in Methods and Practices in
Psychological Science 2, 77-101. doi:10.1177/2515245918823199
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AnswersError, ModelError, RankError, did_you_mean, listed
from wwm_models.messages import category, level, say, sentences, some_of, variable
from wwm_models.models.cells import Cells, refuse_one_answer, tabulate
from wwm_models.models.formula import (
    Aliased,
    Encoder,
    build_encoder,
    combination,
    encode,
    formula_variables,
    learns_from_rows,
)
from wwm_models.models.linear_map import Blocks, Columns, Dense, Linear, threshold_basis
from wwm_models.models.model import FAMILIES, Model
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.newton import redundant_columns
from wwm_models.survey.survey import Survey


class Tabulated(Protocol):
    """What groups and target populations are made from: a model with its cells, fitted or sampled."""

    @property
    def model(self) -> Any:
        """The declared model."""
        ...

    @property
    def survey(self) -> Survey:
        """Whose respondents the cells count."""
        ...

    @property
    def cells(self) -> Cells:
        """Patterns and weights."""
        ...


@dataclass(frozen=True, eq=False)
class Design:
    """Predictors of every pattern: ``eta = (array @ theta) * exp(-scale @ zeta)``; without a scale part ``array @ theta``.

    Attributes
    ----------
    linear : Linear
        The map from theta (p,) to (P, J) predictors; J = fitted answers minus one.
    names : tuple of str, p + q long
        Those of theta, then those of zeta.
    is_cut : (p + q,) bool array
        Cut points and intercepts, as against slopes.
    terms : tuple of str, p + q long
        Formula term of each parameter; "" for cut points.
    order : (J + 1,) int array
        Positions in ``Cells.categories`` of the answers with respondents, in the order the family reads them.
    build : function of columns of predictors -> Linear
        The same map for other rows: a frame, or a mapping of names to columns.
    dropped : tuple of str
        Redundant columns left out on request.
    scale : (P, q) array or None
        Columns of the log standard deviation.
    build_scale : function of a frame -> (rows, q) array, or None
    monotone : tuple of tuples of str
        For each monotonic term the names of its increments, which must not differ in sign.
    pooled : tuple of str
        Increments fixed at zero.
    without : function of names of increments -> Design, or None
        The same design with these fixed at zero.
    """

    linear: Linear
    names: tuple[str, ...]
    is_cut: NDArray[np.bool_]
    terms: tuple[str, ...]
    order: NDArray[np.intp]
    build: Callable[[Columns], Linear]
    dropped: tuple[str, ...] = ()
    scale: Array | None = None
    build_scale: Callable[[Columns], Array] | None = None
    monotone: tuple[tuple[str, ...], ...] = ()
    pooled: tuple[str, ...] = ()
    without: Callable[[tuple[str, ...]], Design] | None = None

    @property
    def array(self) -> Array:
        """The whole (P, J, p) array of the linear map."""
        return self.linear.array


def group_encoder(model: Model, cells: Cells, terms: tuple[str, ...]) -> Encoder | None:
    """The encoder of the variable whose levels have cut points of their own; None without one.

    Parameters
    ----------
    model : Model
    cells : Cells
        Tabulated by that variable too.
    terms : tuple of str
        Of the formula.

    Raises
    ------
    ModelError
        If the variable has no levels, or stands in the formula as a term of its own: its cut points hold that effect already.
    AnswersError
        If a level has no respondents.
    """
    name = model.thresholds_by
    if name is None:
        return None
    values = cells.columns[name]
    if not isinstance(values, pd.Categorical):
        raise ModelError(f'thresholds_by = "{name}" is a number. Expected a variable with levels; cut it into groups.')
    if name in terms:
        raise ModelError(
            f'thresholds_by = "{name}" is also in "{model.formula}". Its cut points hold its effect already: leave it out of the formula.'
        )
    held = np.bincount(values.codes, cells.weights.sum(axis=1), minlength=len(values.categories)) > 0
    if not held.all():
        raise AnswersError(
            say("groups_without_cuts", groups=some_of(level(name, str(one)) for one in values.categories[~held]))
        )
    encoder, _ = build_encoder(f"Q({name!r})", {name: values}, len(cells.weights))
    return encoder


def check_group_name(model: Model, known: list[str]) -> tuple[str, ...]:
    """The variable of `thresholds_by` as a tuple of predictors to tabulate by; empty without one."""
    if model.thresholds_by is None:
        return ()
    if model.thresholds_by not in known:
        raise ModelError(
            f'thresholds_by = "{model.thresholds_by}" is not a variable. Known variables: {listed(known, most=30)}.'
            f"{did_you_mean(model.thresholds_by, known)}"
        )
    return (model.thresholds_by,)


def by_group(array: Array, cuts: int, indicators: Array) -> Array:
    """The array with the columns of the cut points repeated for every group, zero outside it.

    Parameters
    ----------
    array : (P, J, p) array
        Its first `cuts` columns are those of the cut points.
    cuts : int
    indicators : (P, G - 1) array
        Of all groups but the first.

    Returns
    -------
    (P, J, p + (G - 1) cuts) array
        Groups outermost.
    """
    inside = np.column_stack([1.0 - indicators.sum(axis=1), indicators])
    repeated = (inside[:, None, :, None] * array[:, :, None, :cuts]).reshape(*array.shape[:2], -1)
    return np.concatenate([repeated, array[:, :, cuts:]], axis=2)


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
        return replace(make(_with_columns(encoder, kept), columns[:, kept]), dropped=design.dropped, pooled=names)

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
            raise AnswersError(say("unordered_steps", term=term, variable=variable(found.group(1))))
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


def cells_and_design(model: Model, survey: Survey, *, aliased: str = "error") -> tuple[Cells, Design]:
    """Tabulate a survey for a model and build the model's design on the patterns.

    Parameters
    ----------
    model : Model
    survey : Survey
    aliased : {"error", "drop"}
        What to do with columns that others determine.

    Returns
    -------
    Cells
    Design

    Raises
    ------
    ModelError, RankError
    """
    if aliased not in ("error", "drop"):
        raise ModelError(f'aliased="{aliased}" is not known. Expected "error" or "drop".')
    family = FAMILIES[model.family]
    known = [str(name) for name in survey.frame.columns]
    right_side = model.formula.split("~")[1].strip()
    outcome = readable_outcome(model.outcome)
    predictors = formula_variables(model.formula, known)
    spreaders = formula_variables(model.scale, known) if model.scale else ()
    grouping = check_group_name(model, known)
    refuse_itself((outcome,), (*predictors, *spreaders, *grouping))
    cells = tabulate(
        survey, outcome, list(dict.fromkeys([*predictors, *spreaders, *grouping])), needs_order=family.ordered_answers
    )
    encoder, columns = _encoder_on_patterns(right_side, cells, predictors)
    refuse_one_answer(cells, survey.suppress_below)
    refuse_impossible_monotony(model, survey, encoder)
    groups = group_encoder(model, cells, encoder.terms)
    indicators = None if groups is None else encode(groups, cells.columns)
    encoder, columns, dropped = _without_redundant(encoder, columns, cells, aliased, indicators)
    order = answer_order(model, cells)

    def assembled(encoder: Encoder, columns: Array) -> Design:
        layout = _Layout(model, encoder, [cells.categories[k] for k in order], groups)
        design = Design(
            linear=layout.linear(columns, indicators),
            names=tuple(layout.names),
            is_cut=np.array([term == "" for term in layout.terms]),
            terms=tuple(layout.terms),
            order=order,
            build=lambda frame: layout.linear(*_encoded(encoder, groups, frame)),
            dropped=dropped,
        )
        return _with_scale(design, model.scale, cells, spreaders, aliased) if model.scale else design

    return cells, with_increments(assembled(encoder, columns), encoder, columns, assembled)


def refuse_itself(outcomes: Sequence[str], predictors: Sequence[str]) -> None:
    """Refuse an outcome that is a predictor of its own answers, whatever place of the model it stands in.

    Raises
    ------
    ModelError
    """
    both = [name for name in outcomes if name in predictors]
    if both:
        raise ModelError(
            f'"{both[0]}" is the outcome and a predictor of itself. Expected other variables as predictors. Leave it out of the right side of the '
            "formula, of `scale` and of `thresholds_by`."
        )


def _encoded(encoder: Encoder, groups: Encoder | None, frame: Columns) -> tuple[Array, Array | None]:
    """The columns of other rows, and those of their cut points by group."""
    beside = None if groups is None else encode(groups, frame)
    return encode(encoder, frame, beside), beside


def readable_outcome(name: str) -> str:
    """The outcome's column name, also where the formula quotes it as Q("...")."""
    quoted = re.fullmatch(r"Q\(['\"](.*)['\"]\)", name)
    return quoted.group(1) if quoted else name


def answer_order(model: Model, cells: Cells) -> NDArray[np.intp]:
    """Positions of the answers that have respondents, as the family reads them."""
    order = np.flatnonzero(cells.weights.sum(axis=0) > 0)
    if model.reverse:
        order = order[::-1]
    if model.baseline is not None:
        if model.baseline not in cells.categories:
            raise ModelError(
                f'baseline "{model.baseline}" is not an answer of "{cells.outcome}". '
                f"Answers: {listed(cells.categories, 30)}.{did_you_mean(model.baseline, cells.categories)}"
            )
        position = cells.categories.index(model.baseline)
        if position not in order:
            answer = category(cells.outcome, model.baseline)
            raise AnswersError(say("baseline_empty", answer=answer, outcome=variable(cells.outcome)))
        order = np.concatenate([[position], order[order != position]])
    return order


def _with_scale(design: Design, formula: str, cells: Cells, variables: tuple[str, ...], aliased: str) -> Design:
    """Add the columns of the log standard deviation."""
    encoder, columns = _encoder_on_patterns(formula.split("~")[-1].strip(), cells, variables)
    encoder, columns, dropped = _without_redundant(encoder, columns, cells, aliased)
    return replace(
        design,
        names=(*design.names, *(f"scale:{name}" for name in encoder.names)),
        terms=(*design.terms, *(f"scale:{term}" for term in encoder.terms)),
        is_cut=np.concatenate([design.is_cut, np.zeros(len(encoder.names), dtype=bool)]),
        dropped=(*design.dropped, *(f"scale:{name}" for name in dropped)),
        scale=columns,
        build_scale=lambda frame: encode(encoder, frame),
    )


def _encoder_on_patterns(right_side: str, cells: Cells, variables: tuple[str, ...]) -> tuple[Encoder, Array]:
    """Columns on the patterns; terms that learn from data (splines, centring) learn from all rows used."""
    if not learns_from_rows(right_side):
        return build_encoder(right_side, {name: cells.columns[name] for name in variables}, len(cells.weights))
    respondents = np.repeat(np.arange(len(cells.weights)), np.round(cells.counts.sum(axis=1)).astype(np.intp))
    learnt = {name: cells.columns[name][respondents] for name in variables}
    encoder, _ = build_encoder(right_side, learnt, len(respondents))
    return encoder, encode(encoder, cells.columns)


def _without_redundant(
    encoder: Encoder, columns: Array, cells: Cells, aliased: str, beside: Array | None = None
) -> tuple[Encoder, Array, tuple[str, ...]]:
    seen = cells.weights @ np.ones(len(cells.categories)) > 0
    before = [np.ones(len(columns)), *([] if beside is None else [beside])]
    every = np.column_stack([*before, columns])
    first = every.shape[1] - columns.shape[1]
    redundant = [j - first for j in redundant_columns(every if seen.all() else every[seen]) if j >= first]
    if not redundant:
        return encoder, columns, ()
    names = tuple(encoder.names[j] for j in redundant)
    if aliased == "error":
        empty = [empty_cell(encoder.names[j]) for j in redundant if not columns[seen][:, j].any()]
        raise RankError(
            sentences(
                say("determined_columns", formula=encoder.right_side, count=len(redundant), names=some_of(names, 20)),
                say("without_respondents", cells=some_of(empty)) if empty else "",
                say("leave_the_term"),
            )
        )
    kept = np.setdiff1d(np.arange(columns.shape[1]), redundant)
    relation = np.linalg.lstsq(
        np.column_stack([*before, columns[:, kept]])[seen], columns[seen][:, redundant], rcond=None
    )[0]
    aliases = Aliased(names, encoder.kept[redundant], encoder.kept[kept], relation.astype(np.float64))
    return replace(_with_columns(encoder, kept), aliased=aliases), columns[:, kept], names


def _with_columns(encoder: Encoder, kept: NDArray[np.intp]) -> Encoder:
    """The encoder of some of its columns."""
    names, terms = (tuple(every[j] for j in kept) for every in (encoder.names, encoder.terms))
    return replace(encoder, names=names, terms=terms, kept=encoder.kept[kept])


def empty_cell(column: str) -> str:
    """Say which combination of levels a dummy column stands for.

    Examples
    --------
    >>> empty_cell("PRODID[3]:DAY[2]")
    'PRODID = 3 with DAY = 2: 0 rows'
    """
    return say("no_rows", where=combination(column))


class _Layout:
    """Which parameter enters which linear predictor, and under which name."""

    def __init__(self, model: Model, encoder: Encoder, answers: list[str], groups: Encoder | None = None) -> None:
        family = FAMILIES[model.family]
        intercepts = family.cut_names == "intercepts"
        labels = answers[1:] if intercepts else [f"{low}|{high}" for low, high in itertools.pairwise(answers)]
        cuts = [f"Intercept:{label}" for label in labels] if intercepts else labels
        basis, cut_names = threshold_basis(model.thresholds, cuts)
        self._basis = family.cut_sign * basis
        self._sign = family.slope_sign
        self._own = _own_slopes(model, encoder, parallel=family.parallel)
        shared = np.flatnonzero(~self._own)
        own = np.flatnonzero(self._own)
        self._shared, self._specific = shared, own
        if groups is not None:
            levels = groups.levels[groups.variables[0]]
            cut_names = [f"{cut}:{groups.variables[0]}[{level}]" for level in levels for cut in cut_names]
        self.names = [*cut_names, *(encoder.names[c] for c in shared)]
        self.terms = [*([""] * len(cut_names)), *(encoder.terms[c] for c in shared)]
        self.names += [f"{encoder.names[c]}:{label}" for c in own for label in labels]
        self.terms += [encoder.terms[c] for c in own for _ in labels]

    def linear(self, columns: Array, indicators: Array | None = None) -> Linear:
        """The linear map of these (rows, q) columns, with cut points for every group where there are indicators of them."""
        signed = self._sign * columns
        blocks = Blocks(self._basis, signed[:, self._shared], signed[:, self._specific])
        return blocks if indicators is None else Dense(by_group(blocks.array, self._basis.shape[1], indicators))


def _own_slopes(model: Model, encoder: Encoder, *, parallel: bool) -> NDArray[np.bool_]:
    """Which columns have a slope of their own for each linear predictor."""
    for term in model.nonproportional:
        if term not in encoder.terms:
            terms = list(dict.fromkeys(encoder.terms))
            raise ModelError(
                f'nonproportional names "{term}", which is not a term of "{model.formula}". Terms: {listed(terms, 20)}.{did_you_mean(term, terms)}'
            )
    if not parallel:
        return np.ones(len(encoder.names), dtype=bool)
    return np.array([term in model.nonproportional for term in encoder.terms], dtype=bool)
