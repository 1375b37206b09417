"""Every declared variable from the columns of the file, in an order in which each can be made of those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.survey.answers import recode_answers, used_though_missing
from wwm_models.survey.codebook import Codebook, Declaration, FromColumn, FromRules, FromVariable, parents_of
from wwm_models.survey.numbers import cut_into_levels, recode_numbers
from wwm_models.survey.raw import RawColumn, RawFile, column_at, column_named
from wwm_models.survey.recoded import Recoded
from wwm_models.survey.rules import Condition, Truth, names_in, truth_of

_MOST_SHOWN: Final = 10  # problems of variables in one message


def recode(file: RawFile, codebook: Codebook) -> dict[str, Recoded]:
    """Give every declared variable for every row, in an order in which they can be made.

    Parameters
    ----------
    file : RawFile
    codebook : Codebook

    Raises
    ------
    SurveyError
        If the file and the codebook do not agree.
    """
    done: dict[str, Recoded] = {}
    problems: list[str] = []
    for item in codebook.declarations:
        if any(name not in done for name in parents_of(item)):
            continue  # what it is made of has a problem, which is told once
        try:
            match item.source:
                case FromColumn():
                    made = _from_column(item, item.source, file, codebook.where(item.variable.name))
                case FromRules():
                    made = _from_rules(item, item.source, done, file.rows)
                case FromVariable():
                    made = _from_variable(item, item.source, done[item.source.parent])
        except SurveyError as problem:
            problems.append(str(problem))
            continue
        done[item.variable.name] = made
    if problems:
        raise SurveyError(together(problems))
    return done


def contradictions(file: RawFile, codebook: Codebook) -> tuple[str, ...]:
    """Warn of answers that the file declares missing, variable by variable."""
    found: list[str] = []
    for item in codebook.declarations:
        if isinstance(item.source, FromColumn):
            where = codebook.where(item.variable.name)
            column = column_of_variable(item.source, file, where)
            found += used_though_missing(item, column, file=str(file.path), where=where)
    return tuple(found)


def together(problems: list[str]) -> str:
    """Give one problem as it is, several as a numbered list."""
    if len(problems) == 1:
        return problems[0]
    shown = [f"  {place}. {problem}" for place, problem in enumerate(problems[:_MOST_SHOWN], start=1)]
    more = [f"  and {len(problems) - _MOST_SHOWN} more"] if len(problems) > _MOST_SHOWN else []
    return "\n".join([f"{len(problems)} variables and the file do not agree:", *shown, *more])


def holds(condition: Condition, done: Mapping[str, Recoded]) -> Truth:
    """Give, for every row, whether a condition on recoded variables holds."""
    variables = {name: made.variable for name, made in done.items()}
    return truth_of(condition, variables, {name: done[name].values for name in names_in(condition)})


def column_of_variable(source: FromColumn, file: RawFile, where: str) -> RawColumn:
    """Give the column a variable is read from."""
    return column_at(file, source.position, where) if source.position else column_named(file, source.column, where)


def _from_column(item: Declaration, source: FromColumn, file: RawFile, where: str) -> Recoded:
    column = column_of_variable(source, file, where)
    number = item.variable.kind == "number" or source.cut is not None
    reader = recode_numbers if number else recode_answers
    return reader(item, source, column, file=str(file.path), where=where)


def _from_rules(item: Declaration, source: FromRules, done: Mapping[str, Recoded], rows: int) -> Recoded:
    """Take the first rule that is true, provided all rules before it are false.

    Where a rule before it is unknown (a variable in it is missing), the answer is not known either: to go on to the
    next rule would guess.
    """
    places = {level.id: place for place, level in enumerate(item.variable.levels)}
    values = np.full(rows, np.nan)
    open_rows = np.ones(rows, dtype=bool)  # all rules so far are false
    unknown = np.zeros(rows, dtype=bool)
    for rule in source.rules:
        truth = holds(rule.when, done)
        values[open_rows & truth.yes] = places[rule.id]
        unknown |= open_rows & truth.unknown
        open_rows &= truth.no
    reasons = np.where(open_rows, source.otherwise, "").astype(object)
    reasons[unknown] = _not_known(source, done, unknown)
    return Recoded(item.variable, values, reasons)


def _not_known(source: FromRules, done: Mapping[str, Recoded], rows: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Name the missing variables of these rows, in the order of the rules."""
    names = list(dict.fromkeys(name for rule in source.rules for name in names_in(rule.when)))
    missing = np.column_stack([np.isnan(done[name].values[rows]) for name in names])
    patterns, which = np.unique(missing, axis=0, return_inverse=True)
    texts = ["not known: " + ", ".join(np.array(names)[pattern]) for pattern in patterns]
    return np.array(texts, dtype=object)[which.ravel()] if texts else np.array([], dtype=object)


def _from_variable(item: Declaration, source: FromVariable, parent: Recoded) -> Recoded:
    """Merge the answers of another variable, or cut a number into levels."""
    if source.cut is not None:
        return Recoded(item.variable, *cut_into_levels(parent.values, parent.reasons, source.cut))
    merged = {level: place for place, answer in enumerate(item.answers) for level in answer.merges}
    ids = [level.id for level in parent.variable.levels]
    values = np.array([*(float(merged.get(level, np.nan)) for level in ids), np.nan])
    left_out = np.array([*(f"left out: {level}" if level in source.drop else "" for level in ids), ""], dtype=object)
    known = ~np.isnan(parent.values)
    index = np.where(known, parent.values, len(ids)).astype(np.intp)
    return Recoded(item.variable, values[index], np.where(known, left_out[index], parent.reasons).astype(object))
