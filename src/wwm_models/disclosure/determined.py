"""Whose answers a model gives away: the groups of respondents to whom equations of its likelihood belong.

At the maximum the scores of the answers sum to zero, for every column of the design: ``sum_i w_i x_ij s(y_i, x_i) = 0``, and for every sum of
columns. Whoever has the printed coefficients and knows how many respondents have each combination of predictors can write these equations down.
A sum of columns that is zero but for a few respondents is an equation about these few alone: a handful of whole numbers, of which one choice
remains even at four printed digits. So a model is published only where

- no sum of its columns belongs to fewer respondents than the threshold: neither a level of a variable or of an interaction (`_thin_levels`), nor
  what is left when one group is subtracted from another, nor a column of a spline that few reach (`few_alone`);
- no suppressed group is part of an equation with so few possible tables that they can be gone through (`_enumerable`);
- no suppressed group is a level of one of its terms, nor all its predictors reported (see `disclosure.suppressed_tables`);
- subtracting it from what else is published leaves no few (`_Shown`). This concerns models whose equations are sums of answers; others
  have scores that differ between patterns and do not cancel. Of these only what refits them as multinomial is left out.

The limits: respondents whose level is not known are nobody's group, here as in the raw tables, except that the respondents of a whole model may
not be those of the tables but for a few whose adjusters are missing. Sums of columns are searched by linear programming from the patterns
with the most influence, which finds what dummies can make of two groups but is no proof for every design.

References
----------
Reznek, A. P. (2003). Disclosure risks in cross-section regression models. Proceedings of the American Statistical Association,
Section on Government Statistics (models of dummies are tables).
Donoho, D. L. (2006). For most large underdetermined systems of linear equations the minimal l1-norm solution is also the sparsest solution.
Communications on Pure and Applied Mathematics 59, 797-829. doi:10.1002/cpa.20132
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.special import gammaln

from wwm_models.disclosure.suppressed_tables import Withheld
from wwm_models.disclosure.suppression import Raws
from wwm_models.estimates.number_key import levels_written, written_group
from wwm_models.messages import level, listed_as, say, variable
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design, cells_and_design
from wwm_models.models.formula import formula_variables
from wwm_models.models.model import FAMILIES, Model
from wwm_models.numerics.arrays import Array, Flags
from wwm_models.survey.survey import Survey

WORK = 64.0  # bits: 2**64 tables are 2**32 in each half, which a patient attacker goes through
_TRIED = 20  # patterns from which a sum of columns is searched, those of most influence first
_ZERO = 1e-7  # of the value at its pattern


@dataclass(frozen=True, eq=False)
class Equations:
    """What the likelihood equations of one fit are about.

    Attributes
    ----------
    model, label : str
        The model, and which of its fits.
    outcome : str
    variables : tuple of str
        Its predictors.
    columns : (patterns, p) array
        Zero where a parameter does not enter.
    people : (patterns,) array
        Respondents with a positive weight.
    pattern : (n,) ints
        Of every row of the survey; -1 where it is not used.
    groups : mapping of text to (patterns,) bools
        Levels of every variable and of every interaction, such as ``"age = young, home = alone"``.
    answers : int
        How many answers have respondents.
    counts : bool
        Whether some equations are sums of answers, as those of the logit link are: of every answer in a multinomial or adjacent-category
        model, of the first in a sequential one; those of cut points with another weight for every pattern are not.
    """

    model: str
    label: str
    outcome: str
    variables: tuple[str, ...]
    columns: Array
    people: Array
    pattern: NDArray[np.intp]
    groups: Mapping[str, Flags]
    answers: int
    counts: bool

    def rows(self, patterns: Flags) -> Flags:
        """(n,) rows of the survey that are in some patterns."""
        return np.append(patterns, False)[self.pattern]


def equations_of(name: str, label: str, model: Model, survey: Survey) -> Equations:
    """The equations of one fit; its answers are not looked at.

    Parameters
    ----------
    name, label : str
    model : Model
    survey : Survey

    Raises
    ------
    ModelError, AnswersError
        As the fit itself would.
    """
    cells, design = cells_and_design(model, survey)
    weight = np.where(cells.row_weight > 0, survey.weights if survey.weight_kind == "frequency" else survey.counts, 0.0)
    used = cells.row_pattern >= 0
    people = np.bincount(cells.row_pattern[used], weight[used], minlength=len(cells.weights)).astype(np.float64)
    family = FAMILIES[model.family]
    return Equations(
        name, label, cells.outcome, tuple(cells.columns), _columns(design), people, cells.row_pattern, dict(_groups(cells, design)),
        len(design.order), model.link == "logit" and (len(design.order) == 2 or not family.ordered_cuts),
    )  # fmt: skip


def _columns(design: Design) -> Array:
    """(patterns, p): one row per pattern, zero exactly where the pattern's own rows for all predictors are."""
    every = design.linear.array
    mixed = np.einsum("j,rjp->rp", np.sqrt(np.arange(2.0, 2.0 + every.shape[1])), every)
    return mixed if design.scale is None else np.column_stack([mixed, design.scale])


def _groups(cells: Cells, design: Design) -> Iterator[tuple[str, Flags]]:
    known = [str(name) for name in cells.columns]
    grouped = [name for name in known if isinstance(cells.patterns[name].dtype, pd.CategoricalDtype)]
    sets: list[tuple[str, ...]] = [(name,) for name in grouped]
    for term in dict.fromkeys(design.terms):
        inside = formula_variables(term.removeprefix("scale:"), known) if term else ()
        sets.append(tuple(name for name in inside if name in grouped))
    for names in dict.fromkeys(sets):
        if names:
            for levels, places in cells.patterns.groupby(list(names), observed=True, sort=False).indices.items():
                found = np.zeros(len(cells.patterns), dtype=bool)
                found[places] = True
                values = levels if isinstance(levels, tuple) else (levels,)
                yield ", ".join(f"{name} = {level}" for name, level in zip(names, values, strict=True)), found


@dataclass(frozen=True)
class Refused:
    """Which models publish nothing, with the sentence that says why, and which nothing that rests on observed shares."""

    models: Mapping[str, str]
    partly: frozenset[str] = frozenset()
    fits: tuple[Equations, ...] = ()

    @property
    def summary(self) -> dict[str, list[str]]:
        """Names for the manifest."""
        return {"models": sorted(self.models), "in_part": sorted(self.partly)}

    @property
    def shown(self) -> dict[str, dict[str, dict[str, Any]]]:
        """For the manifest: of every fit that is published the respondents, and those at every level of its terms, by outcome and name."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for fit in self.fits:
            if fit.model not in self.models:
                levels = {name: round(float(fit.people[inside].sum())) for name, inside in fit.groups.items()}
                one = {"respondents": round(float(fit.people.sum())), "levels": levels}
                found.setdefault(fit.outcome, {})[f"{fit.model} ({fit.label})"] = one
        return found


def refused(
    fits: Sequence[Equations], raws: Raws, withheld: Withheld, survey: Survey, closed: Mapping[str, str]
) -> Refused:
    """Decide, model by model, whether what it says together with all that is published before it leaves everybody among others.

    Parameters
    ----------
    fits : sequence of Equations
        In the order in which models have a right to be published.
    raws : mapping of outcome to mapping of by-variables to Estimates
        Without what is suppressed.
    withheld : Withheld
    survey : Survey
    closed : mapping of model to sentence
        Those that are refused already.
    """
    found = dict(closed)
    below = survey.suppress_below
    if below <= 0:
        return Refused(found, fits=tuple(fits))
    for fit in fits:
        why = _own(fit, withheld, survey, below)
        if why and fit.model not in found:
            found[fit.model] = why
    partly: set[str] = set()
    shown: dict[str, _Shown] = {}
    for fit in fits:
        if fit.model in found:
            continue
        if fit.outcome not in shown:
            shown[fit.outcome] = _Shown(fit.outcome, raws, survey)
        why = shown[fit.outcome].differences(fit, below)
        if why and fit.counts:
            found[fit.model] = why
        elif why:
            partly.add(fit.model)
        else:
            shown[fit.outcome].add(fit)
    return Refused(found, frozenset(partly - set(found)), tuple(fits))


def _own(fit: Equations, withheld: Withheld, survey: Survey, below: int) -> str:
    """Why a fit may not be published whatever else is; an empty text where it may."""
    thin = [name for name, inside in fit.groups.items() if 0 < fit.people[inside].sum() < below]
    if thin:
        return thin_level(thin, below)
    if few_alone(fit.columns, fit.people, below) is not None:
        names = [part.split(" = ")[0] for group in fit.groups for part in group.split(", ")]
        return nearly_the_same(dict.fromkeys(names), below)
    tables = {(outcome, group) for outcome, group, _ in withheld.values if outcome == fit.outcome}
    for group in sorted({group for _, group in tables}):
        if _is_level(group, fit) or _enumerable(group, fit, survey):
            return suppressed_beside(fit.outcome, group, below)
    return ""


def thin_level(groups: Sequence[str], below: int) -> str:
    """Say that levels of a model have too few respondents.

    Examples
    --------
    >>> print(thin_level(["region = north"], 10))
    Fewer than 10 respondents have region = north. Expected 10 or more at every level of a model, because its equations would give their answers \
away: nothing of it is published. Merge levels in the codebook, or leave the variable out.
    """
    more = [say("more_levels", count=len(groups) - 4)] if len(groups) > 4 else []
    levels = listed_as([*(_named(name) for name in groups[:4]), *more], " or ")
    return say("thin_level", few=below, levels=levels, below=below)


def nearly_the_same(names: Iterable[str], below: int) -> str:
    """Say that subtracting levels of some variables leaves too few respondents."""
    named = listed_as(variable(name) for name in names) or "its variables"
    return say("nearly_the_same", few=below, names=named, below=below)


def suppressed_beside(outcome: str, group: str, below: int) -> str:
    """Say that a model would tell percentages that are suppressed."""
    where = _named(group_words(group)) if group else "everyone"
    names = listed_as(variable(name) for name, _ in levels_written(group)) if group else "the question"
    return say("suppressed_beside", outcome=variable(outcome), group=where, below=below, names=names)


def few_apart(other: str, below: int) -> str:
    """Say that a model has the respondents of something else that is published but for a few."""
    return say("few_apart", few=below, other=other, below=below)


def few_between(one: str, other: str, below: int) -> str:
    """Say that two published groups differ by a few respondents."""
    return say("few_between", few=below, one=_named(one), other=_named(other), below=below)


def _named(group: str) -> str:
    """A group in words, such as "age = young, home = alone", as an argument of a message."""
    parts = [part.partition(" = ") for part in group.split(", ")]
    return listed_as(level(name, value) for name, _, value in parts) if all(mark for _, mark, _ in parts) else group


def group_words(group: str) -> str:
    """A group of our tables in words: ``"age=young;home=alone"`` is "age = young, home = alone"; "" is everyone."""
    return ", ".join(f"{name} = {level}" for name, level in levels_written(group)) or "everyone"


def _is_level(group: str, fit: Equations) -> bool:
    """Whether a suppressed group is everyone or a level of a term, whose answers the equations count."""
    return not group or group_words(group) in fit.groups


def _enumerable(group: str, fit: Equations, survey: Survey) -> bool:
    """Whether patterns of a suppressed group are part of a level with so few possible tables that one can go through them."""
    used = fit.pattern >= 0
    size = len(fit.people)
    secret = np.bincount(fit.pattern[used & rows_of(group, survey)], minlength=size)
    whole = (secret > 0) & (secret == np.bincount(fit.pattern[used], minlength=size))
    return any(
        (whole & inside).any() and _bits(fit.people[inside], fit.answers) < WORK for inside in fit.groups.values()
    )


def _bits(people: Array, answers: int) -> float:
    """log2 of the number of tables of whole numbers with these numbers of respondents and so many answers."""
    choices = gammaln(people + answers) - gammaln(answers) - gammaln(people + 1.0)
    return float(choices.sum() / np.log(2.0))


def rows_of(group: str, survey: Survey) -> Flags:
    """(n,) rows of a group of our tables."""
    inside = survey.domain.copy()
    for name, answer in levels_written(group, [str(name) for name in survey.frame]):
        inside &= (survey.frame[name].astype(object).astype(str) == answer).to_numpy()
    return inside


def few_alone(columns: Array, people: Array, below: int) -> Flags | None:
    """Patterns of fewer than `below` respondents outside which some sum of columns is zero, or None where none was found.

    Parameters
    ----------
    columns : (patterns, p) array
    people : (patterns,) array
    below : int

    Returns
    -------
    (patterns,) bools or None

    Notes
    -----
    With H the projection on the columns, weighted by respondents, a vector that is zero outside a set has length one only if the
    diagonal of H sums to one or more over the set. So of fewer than `below` respondents some have at least 1 / (below - 1) each: from these
    the sum of columns with the smallest sum of absolute values is found.

    Examples
    --------
    >>> older, pensioner = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    >>> few_alone(np.column_stack([np.ones(3), older, pensioner]), np.array([60.0, 7.0, 50.0]), 10)
    array([False,  True, False])
    """
    seen = np.flatnonzero(people > 0)
    root = np.sqrt(people[seen])[:, None]
    basis, triangle, order = qr(columns[seen] * root, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    rank = int((size > 1e-9 * size.max(initial=0.0)).sum())
    influence = (basis[:, :rank] ** 2).sum(axis=1) / people[seen]
    candidates = np.flatnonzero(influence >= 1.0 / max(below - 1, 1) - 1e-9)
    independent = columns[np.ix_(seen, order[:rank])]
    for place in candidates[np.argsort(-influence[candidates], kind="stable")][:_TRIED]:
        support = _sparsest(independent, people[seen], int(place))
        if support is not None and people[seen][support].sum() < below:
            found = np.zeros(len(people), dtype=bool)
            found[seen[support]] = True
            return found
    return None


def _sparsest(columns: Array, people: Array, place: int) -> Flags | None:
    """Where the sum of columns with the smallest total of absolute values is not zero, given that it is one at `place`."""
    from scipy.optimize import linprog  # a quarter of a second that most models do not need

    rows, size = columns.shape
    both = np.block([[columns, -np.eye(rows)], [-columns, -np.eye(rows)]])
    found = linprog(
        np.concatenate([np.zeros(size), people]), A_ub=both, b_ub=np.zeros(2 * rows), method="highs",
        A_eq=np.concatenate([columns[place], np.zeros(rows)])[None, :], b_eq=[1.0],
        bounds=[(None, None)] * size + [(0.0, None)] * rows,
    )  # fmt: skip
    return None if found.x is None else np.abs(columns @ found.x[:size]) > _ZERO


@dataclass(frozen=True, eq=False)
class _Group:
    """Rows whose counts of answers are published, and among which rows they were looked for."""

    name: str
    rows: Flags
    base: Flags
    size: float


class _Shown:
    """The groups of one question whose counts of answers are published: those of raw tables, and then of models."""

    def __init__(self, outcome: str, raws: Raws, survey: Survey) -> None:
        self._survey = survey
        self._used = survey.domain & survey.frame[outcome].notna().to_numpy() & (survey.weights > 0)
        self._people = np.where(self._used, survey.counts, 0.0)
        self._reported = {name for by in raws.get(outcome, {}) for name in by}
        self._groups: list[_Group] = []
        self._models: list[tuple[str, frozenset[str], Flags]] = []
        for by, estimates in raws.get(outcome, {}).items():
            shown = estimates.table.loc[estimates.table["estimate"].notna(), list(by)].astype(str).drop_duplicates()
            known = self._known(by)
            for levels in shown.itertuples(index=False, name=None):
                group = written_group(zip(by, levels, strict=True))
                self._groups.append(self._group(group_words(group), rows_of(group, survey) & self._used, known))

    def _known(self, names: Iterable[str]) -> Flags:
        return self._used & self._survey.frame[list(names)].notna().all(axis=1).to_numpy()

    def add(self, fit: Equations) -> None:
        """Count a model among what is published."""
        if fit.counts:
            own = fit.pattern >= 0
            self._groups += [
                self._group(f"{name} of {fit.model}", fit.rows(inside), own) for name, inside in fit.groups.items()
            ]
            self._models.append((f"model {fit.model}", self._of(fit), own))

    def _of(self, fit: Equations) -> frozenset[str]:
        return frozenset(fit.variables) & self._reported

    def differences(self, fit: Equations, below: int) -> str:
        """Say what subtraction would leave fewer respondents than `below`; an empty text where nothing."""
        own = fit.pattern >= 0
        tables = [("raw percentages", self._known(self._of(fit)))]
        for name, base in tables + [(name, base) for name, of, base in self._models if of == self._of(fit)]:
            if 0 < self._few(own, base) < below:
                return few_apart(name, below)
        for name, inside in fit.groups.items():
            group = self._group(name, fit.rows(inside), own)
            for other in self._groups:
                if abs(group.size - other.size) < below and self._tells(group, other, below):
                    return few_between(name, other.name, below)
        return ""

    def _group(self, name: str, rows: Flags, base: Flags) -> _Group:
        return _Group(name, rows, base, float(self._people[rows].sum()))

    def _tells(self, one: _Group, other: _Group, below: int) -> bool:
        """Whether subtraction leaves a few, of whom some have a level known to both sides."""
        return 0 < self._few(one.rows, other.rows) < below and bool(
            ((one.rows != other.rows) & one.base & other.base).any()
        )

    def _few(self, one: Flags, other: Flags) -> float:
        return float(self._people[one != other].sum())
