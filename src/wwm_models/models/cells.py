"""Survey rows to cells: which rows a model can use, and the pattern x answer table of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AnswersError, ModelError, did_you_mean, listed
from wwm_models.messages import category, listed_as, say, some_of, variable
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.frames import refuse_alike, refuse_infinite, refuse_kind
from wwm_models.survey.sampling_design import SamplingDesign, Tally, summed_squares
from wwm_models.survey.survey import Survey, told_count


@dataclass(frozen=True, eq=False)
class Influence:
    """What each respondent contributes to m estimates, to first order, stored by cell.

    Respondent i moves the estimates by ``row_weight[i] * values[row_cell[i]]``; rows with cell -1 by nothing.

    Attributes
    ----------
    values : (cells, m) array
        Per unit of weight.
    row_cell : (n,) int array
    row_weight : (n,) array
    design : SamplingDesign or None
    tally : Tally or None
        Respondents behind each row, where rows are not respondents.
    within_group : (cells, m) array or None
        The part of `values` that is in proportion to a respondent's own weight, where the respondents of a row count alike in the
        rest; None: all of it.
    members : (cells, m) bool array or None
        Whether a cell is in the domain of each number; None: every cell is.
    source : str
        The identity of the survey (`Survey.identity`): contributions of the same respondents are added up, those of others are not.
    ids : (n,) array of text or None
        Who the rows are (`Survey.ids`).
    beside : tuple of Influence
        Contributions of other surveys to the same estimates, independent of these.
    """

    values: Array
    row_cell: NDArray[np.intp]
    row_weight: Array
    design: SamplingDesign | None
    tally: Tally | None = None
    within_group: Array | None = None
    members: NDArray[np.bool_] | None = None
    source: str = ""
    beside: tuple[Influence, ...] = ()
    ids: NDArray[np.object_] | None = None

    @classmethod
    def of(
        cls,
        survey: Survey,
        values: Array,
        row_cell: NDArray[np.intp],
        row_weight: Array,
        *,
        members: NDArray[np.bool_] | None = None,
    ) -> Influence:
        """Give contributions of a survey's respondents, under its design."""
        return cls(values, row_cell, row_weight, survey.design, survey.tally, members=members, source=survey.identity, ids=survey.ids)  # fmt: skip

    @property
    def parts(self) -> tuple[Influence, ...]:
        """The contributions of each survey."""
        return (replace(self, beside=()), *self.beside)

    @cached_property
    def occupied(self) -> Influence:
        """The same, without the cells that hold nobody."""
        used = self.row_cell >= 0
        held = np.zeros(len(self.values), dtype=bool)
        held[self.row_cell[used]] = True
        place = np.where(used, (np.cumsum(held) - 1)[self.row_cell], -1)
        within_group = None if self.within_group is None else self.within_group[held]
        members = None if self.members is None else self.members[held]
        beside = tuple(one.occupied for one in self.beside)
        return replace(
            self, values=self.values[held], row_cell=place, within_group=within_group, members=members, beside=beside
        )

    def mapped(self, matrix: Array) -> Influence:
        """The influence on ``matrix @ estimates``, (k, m)."""
        within_group = None if self.within_group is None else np.nan_to_num(self.within_group) @ matrix.T
        touched = (matrix != 0.0).astype(np.float32)
        members = None if self.members is None else self.members.astype(np.float32) @ touched.T > 0.0
        beside = tuple(one.mapped(matrix) for one in self.beside)
        return replace(
            self,
            values=np.nan_to_num(self.values) @ matrix.T,
            within_group=within_group,
            members=members,
            beside=beside,
        )

    def expand(self) -> Array:
        """One row per row of the survey: (n, m); those of other surveys are in `beside`."""
        return self._rows_of(self.values)

    def expand_members(self) -> NDArray[np.bool_]:
        """Give (n, m) whether a row with weight is in the domain of each number."""
        used = (self.row_cell >= 0) & (self.row_weight > 0.0)
        rows = np.zeros((len(self.row_cell), self.values.shape[1]), dtype=bool)
        rows[used] = True if self.members is None else self.members[self.row_cell[used]]
        return rows

    def expand_weight_variance(self) -> Array:
        """Of each row, what is in proportion to its respondents' own weights: (n, m), zeros where these are equal."""
        if self.tally is None:
            return np.zeros((len(self.row_cell), self.values.shape[1]))
        if self.within_group is not None:
            return self._rows_of(self.within_group)
        return np.where(self.tally.within_group_weight_variance[:, None] > 0.0, self.expand(), 0.0)

    def _rows_of(self, values: Array) -> Array:
        used = self.row_cell >= 0
        rows = np.zeros((len(self.row_cell), values.shape[1]))
        rows[used] = values[self.row_cell[used]] * self.row_weight[used, None]
        return rows


@dataclass(frozen=True, eq=False)
class Cells:
    """Respondents of one model, collapsed to unique predictor combinations.

    Attributes
    ----------
    outcome : str
    categories : tuple of str
        All declared answers in order, K of them.
    columns : mapping of predictor to (P,) array or Categorical
        The predictors of every pattern, a unique combination of them.
    weights : (P, K) array
        Sum of weights; sampling weights are scaled to a mean of one over the rows used.
    counts : (P, K) array
        Unweighted respondents (with frequency weights: their sum).
    row_pattern : (n,) int array
        Pattern of each row of the survey; -1 for rows not used.
    row_category : (n,) int array
        Answer of each row; -1 for rows not used.
    row_weight : (n,) array
        Scaled weight; 0 for rows not used.
    excluded : mapping of reason to number of rows
    tally : Tally or None
        Respondents behind each row of the survey, where rows are not respondents.
    """

    outcome: str
    categories: tuple[str, ...]
    columns: Mapping[str, Any]
    weights: Array
    counts: Array
    row_pattern: NDArray[np.intp]
    row_category: NDArray[np.intp]
    row_weight: Array
    excluded: Mapping[str, int]
    tally: Tally | None = None

    @property
    def row_cell(self) -> NDArray[np.intp]:
        """(n,) place of each row in the flattened (P, K) tables; -1 for rows not used."""
        return np.where(self.row_pattern >= 0, self.row_pattern * len(self.categories) + self.row_category, -1)

    @property
    def row_square(self) -> Array:
        """(n,) sum of the squared scaled weights of the respondents in each row."""
        return summed_squares(self.row_weight, self.tally)

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """The columns as a frame of P rows."""
        return pd.DataFrame(dict(self.columns), index=range(len(self.weights)))

    @property
    def n(self) -> int:
        """Unweighted number of respondents used."""
        return round(float(self.counts.sum()))


def tabulate(survey: Survey, outcome: str, predictors: Sequence[str], *, needs_order: bool) -> Cells:
    """Give the cells of an outcome by predictors, on the complete rows of the survey's domain.

    Parameters
    ----------
    survey : Survey
    outcome : str
    predictors : sequence of str
        May be empty: then there is one pattern.
    needs_order : bool
        Whether the family reads the answers in order, so that an order must have been declared.

    Returns
    -------
    Cells

    Raises
    ------
    ModelError
        If a variable is absent.
    AnswersError
        If the outcome has no declared order or no usable row.
    """
    for name in (outcome, *predictors):
        if name not in survey.frame.columns:
            known = [str(column) for column in survey.frame.columns]
            raise ModelError(
                f'"{name}" is not a variable of this survey. Known: {listed(known, most=30)}.{did_you_mean(name, known)}'
            )
    categories, answer = outcome_codes(survey.frame[outcome], outcome, needs_order)
    used = survey.domain & (answer >= 0)
    excluded = {
        of_variable(outcome, reason): count
        for reason, count in _reasons(survey, outcome, survey.domain & (answer < 0)).items()
    }
    columns: list[tuple[Codes, Any]] = []
    for name in predictors:
        codes, levels = predictor_codes(survey.frame[name], name)
        gone = used & (codes < 0)
        excluded.update({of_variable(name, reason): count for reason, count in _reasons(survey, name, gone).items()})
        used &= codes >= 0
        columns.append((codes, levels))
    _check_usable(outcome, answer, used, survey, excluded)
    return _collapse(survey, outcome, categories, answer, used, list(predictors), columns, excluded)


def outcome_codes(column: pd.Series, name: str, needs_order: bool) -> tuple[tuple[str, ...], Codes]:
    """Answers in their declared order and each row's position among them (-1 where missing)."""
    values = column.array
    refuse_kind(column, name, "Outcome", AnswersError)
    if isinstance(values, pd.Categorical):
        if needs_order and not values.ordered:
            answers = some_of(category(name, str(one)) for one in values.categories)
            raise AnswersError(say("unordered_answers", outcome=variable(name), answers=answers))
        refuse_alike(values.categories, name, AnswersError)
        return tuple(str(level) for level in values.categories), values.codes.astype(np.intp)
    if (
        pd.api.types.is_bool_dtype(column.dtype)
        or pd.api.types.is_integer_dtype(column.dtype)
        or _whole_numbers(column)
    ):
        return _integer_codes(column, name)
    if needs_order or not _is_text(column):
        kind = "text" if _is_text(column) else "numbers with fractions"
        answers = some_of(str(one) for one in column.dropna().unique())
        raise AnswersError(say("answers_by_alphabet", outcome=variable(name), kind=kind, answers=answers))
    codes, levels = pd.factorize(column, sort=True)
    refuse_alike(levels, name, AnswersError)
    return tuple(str(level) for level in levels), codes.astype(np.intp)


def _integer_codes(column: pd.Series, name: str) -> tuple[tuple[str, ...], Codes]:
    codes, levels = pd.factorize(column, sort=True)
    values = np.asarray(levels, dtype=np.float64)
    gaps = np.diff(values)
    if len(gaps) > 1 and gaps.max() > 3 * np.median(gaps):
        odd = values[int(np.argmax(gaps)) + 1]
        told = some_of(str(int(one)) for one in values)
        raise AnswersError(say("code_apart", outcome=variable(name), codes=told, odd=int(odd)))
    return tuple(str(int(value)) for value in values), codes.astype(np.intp)


def predictor_codes(column: Any, name: str) -> tuple[Codes, Any]:
    """Integer codes of a predictor, a Series or its values (-1 where missing), and its levels: categories, or distinct numbers."""
    refuse_kind(column, name, "Predictor", AnswersError)
    codes, levels = _predictor_codes(column, name)
    refuse_alike(levels, name, AnswersError)
    return codes, levels


def _predictor_codes(column: Any, name: str) -> tuple[Codes, Any]:
    grouped = column.array if isinstance(column, pd.Series) else column
    if isinstance(grouped, pd.Categorical):
        return grouped.codes.astype(np.intp), grouped.categories
    if _is_text(column) or pd.api.types.is_bool_dtype(column.dtype):
        codes, levels = pd.factorize(column, sort=True)
        return codes.astype(np.intp), np.asarray(levels, dtype=object)
    values = np.asarray(column, dtype=np.float64)
    refuse_infinite(values, name, "Predictor", AnswersError)
    codes, levels = pd.factorize(values, use_na_sentinel=True)
    return codes.astype(np.intp), np.asarray(levels)


def _whole_numbers(column: pd.Series) -> bool:
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    values = column.dropna().to_numpy()
    return (
        bool(len(values))
        and bool(np.all(np.isfinite(values)))
        and bool(np.all(values == np.round(values)))
        and len(np.unique(values)) <= 30
    )


def _is_text(column: Any) -> bool:
    return not pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def of_variable(name: str, reason: str) -> str:
    """Why rows cannot be used, behind the variable that is missing."""
    return say("of_variable", variable=variable(name), reason=reason)


def _reasons(survey: Survey, name: str, rows: NDArray[np.bool_]) -> dict[str, int]:
    if not rows.any():
        return {}
    if name not in survey.missing:
        return {"missing": survey.respondents(rows)}
    reasons, number = np.unique(survey.missing[name][rows].astype(str), return_inverse=True)
    counts = np.bincount(number, survey.counts[rows])
    return {reason or "missing": round(float(count)) for reason, count in zip(reasons, counts, strict=True)}


def _check_usable(
    outcome: str, answer: Codes, used: NDArray[np.bool_], survey: Survey, excluded: dict[str, int]
) -> None:
    inside = survey.respondents(survey.domain)
    if not (survey.domain & (answer >= 0)).any():
        raise AnswersError(say("all_missing", outcome=variable(outcome), rows=inside))
    weighted = used & (survey.weights > 0)
    if not weighted.any():
        why = listed_as((say("reason_rows", reason=reason, rows=count) for reason, count in excluded.items()), "; ")
        raise AnswersError(say("no_complete_row", outcome=variable(outcome), why=why))


def refuse_one_answer(cells: Cells, below: int) -> None:
    """Refuse to model an outcome to which everybody gave the same answer; its raw percentages need no model.

    Of fewer respondents than `below` the answer is not named.

    Raises
    ------
    AnswersError
    """
    present = np.flatnonzero(cells.weights.sum(axis=0) > 0)
    if len(present) < 2:
        rows = cells.row_weight > 0
        people = float(rows.sum() if cells.tally is None else cells.tally.count[rows].sum())
        outcome, told = variable(cells.outcome), told_count(people, below)
        if people < below:
            raise AnswersError(say("one_answer_unnamed", outcome=outcome, rows=told))
        answer = category(cells.outcome, cells.categories[present[0]])
        raise AnswersError(say("one_answer", outcome=outcome, rows=told, answer=answer))


def _collapse(
    survey: Survey, outcome: str, categories: tuple[str, ...], answer: Codes, used: NDArray[np.bool_],
    predictors: list[str], columns: list[tuple[Codes, Any]], excluded: dict[str, int],
) -> Cells:  # fmt: skip
    rows = slice(None) if used.all() else np.flatnonzero(used)  # a million rows are not copied for nothing
    key, unique = unique_rows(
        [codes[rows] for codes, _ in columns], [len(levels) for _, levels in columns], int(used.sum())
    )
    patterns = {
        name: _values(levels, codes) for (_, levels), codes, name in zip(columns, unique, predictors, strict=True)
    }
    raw = survey.weights[rows]
    people = survey.counts[rows]
    weight = raw * (people[raw > 0].sum() / raw.sum())
    shape = (len(unique[0]) if unique else 1, len(categories))
    cell = key * shape[1] + answer[rows]
    size = shape[0] * shape[1]
    row_pattern, row_category = np.full(len(survey), -1, dtype=np.intp), np.full(len(survey), -1, dtype=np.intp)
    row_weight = np.zeros(len(survey))
    row_pattern[rows], row_category[rows], row_weight[rows] = key, answer[rows], weight
    weights = np.bincount(cell, weight, minlength=size).reshape(shape).astype(np.float64)
    counts = np.bincount(cell, people, minlength=size).reshape(shape).astype(np.float64)
    return Cells(
        outcome, categories, patterns, weights, counts, row_pattern, row_category, row_weight, excluded, survey.tally
    )


def unique_rows(codes: list[Codes], sizes: list[int], rows: int) -> tuple[Codes, list[Codes]]:
    """Number the distinct combinations of several code columns.

    Parameters
    ----------
    codes : list of (rows,) int arrays
        Non-negative.
    sizes : list of int
        Number of codes of each column.
    rows : int

    Returns
    -------
    (rows,) int array
        Number of each row's combination.
    list of (combinations,) int arrays
        The codes of each combination, column by column.

    Examples
    --------
    >>> unique_rows([np.array([0, 1, 0]), np.array([2, 2, 2])], [2, 3], 3)
    (array([0, 1, 0]), [array([0, 1]), array([2, 2])])
    """
    key = np.zeros(rows, dtype=np.intp)
    if not codes:
        return key, []
    first = np.zeros(1, dtype=np.intp)
    space = 1
    for column, size in zip(codes, sizes, strict=True):
        key *= size
        key += column
        space *= size
        if space > 4 * rows + 1000:
            distinct, first, key = np.unique(key, return_index=True, return_inverse=True)
            space = len(distinct)
    distinct, first, key = _dense_unique(key, space)
    return key, [column[first] for column in codes]


def _dense_unique(key: Codes, space: int) -> tuple[Codes, Codes, Codes]:
    """Like np.unique with index and inverse, in linear time for keys below `space`."""
    first_of = np.full(space, -1, dtype=np.intp)
    first_of[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    distinct = np.flatnonzero(first_of >= 0)
    number = np.zeros(space, dtype=np.intp)
    number[distinct] = np.arange(len(distinct))
    return distinct, first_of[distinct], number[key]


def _values(levels: Any, codes: Codes) -> Any:
    if isinstance(levels, pd.Index):
        return pd.Categorical.from_codes(codes, categories=levels)
    return pd.Categorical(levels[codes]) if levels.dtype == object else levels[codes]
