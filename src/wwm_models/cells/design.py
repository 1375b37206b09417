"""The constraint array: every linear predictor of every pattern as a linear map of the parameters."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.cells.formula import (
    Aliased,
    Encoder,
    build_encoder,
    combination,
    encode,
    formula_variables,
    learns_from_rows,
)
from wwm_models.cells.grouped import by_group, check_group_name, group_encoder
from wwm_models.cells.monotonic import refuse_impossible_monotony, with_increments
from wwm_models.cells.tabulate import refuse_one_answer, tabulate
from wwm_models.cells.thresholds import threshold_basis
from wwm_models.errors import AnswersError, ModelError, RankError, did_you_mean, listed
from wwm_models.families import FAMILIES, Model
from wwm_models.numerics.linear import redundant_columns
from wwm_models.records import Blocks, Cells, Columns, Dense, Design, Linear, Survey

Array = NDArray[np.float64]


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
            raise AnswersError(
                f'baseline "{model.baseline}" of "{cells.outcome}" has no respondents. Choose an answer that has.'
            )
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
        because = f" Without respondents: {listed(empty)}." if empty else ""
        raise RankError(
            f'The formula "{encoder.right_side}" has {len(redundant)} column(s) that the others determine: {listed(names, 20)}.{because} '
            'Leave the term out, or merge levels: of a study, in its codebook. In Python, aliased="drop" drops these columns by name.'
        )
    kept = np.setdiff1d(np.arange(columns.shape[1]), redundant)
    relation = np.linalg.lstsq(
        np.column_stack([*before, columns[:, kept]])[seen], columns[seen][:, redundant], rcond=None
    )[0]
    reduced = replace(
        encoder,
        names=tuple(encoder.names[j] for j in kept),
        terms=tuple(encoder.terms[j] for j in kept),
        kept=encoder.kept[kept],
        aliased=Aliased(names, encoder.kept[redundant], encoder.kept[kept], relation.astype(np.float64)),
    )
    return reduced, columns[:, kept], names


def empty_cell(column: str) -> str:
    """Say which combination of levels a dummy column stands for.

    Examples
    --------
    >>> empty_cell("PRODID[3]:DAY[2]")
    'PRODID = 3 with DAY = 2: 0 rows'
    """
    return f"{combination(column)}: 0 rows"


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
