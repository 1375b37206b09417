"""One ``[variables.NAME]`` table of a codebook: its source, its levels, and what may stand beside them."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, Literal, cast

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.survey.codebook import (
    Answer,
    Cut,
    Declaration,
    FromColumn,
    FromRules,
    FromVariable,
    MissingAnswer,
    Rule,
)
from wwm_models.survey.columns import plainly, squeezed
from wwm_models.survey.conditions import read_condition
from wwm_models.survey.frames import refuse_alike, refuse_column_name
from wwm_models.survey.survey import FURTHER, FurtherLabels, Level, Variable
from wwm_models.toml_tables import TomlTable, repeated

SOURCES: Final = ("column", "position", "question", "rules", "from")
LABELS: Final = ("nl", "en", *FURTHER)
_COMMON: Final = ("levels", *LABELS)
_COLUMN: Final = ("missing", "empty", "cut", "birth_year_in", "minimum", "maximum")
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "column": _COLUMN,
    "position": _COLUMN,
    "question": _COLUMN,
    "rules": ("otherwise",),
    "from": ("drop", "cut"),
}
_RESERVED: Final = "|;=[]:\n"  # they have a meaning in names of parameters and groups


def read_variable(name: str, table: TomlTable) -> Declaration:
    """Give one declared variable.

    Parameters
    ----------
    name : str
    table : TomlTable
        The contents of ``[variables.NAME]``.

    Raises
    ------
    DeclarationError
        If the name cannot stand in a condition, the source is not exactly one, or kind, levels and source do not agree.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise DeclarationError(
            f'{table.where}: "{name}" cannot be the name of a variable. Expected letters, digits and underscores, not '
            "beginning with a digit, and no word of the condition language. Give it another name."
        )
    refuse_column_name(name, "the name of a variable", DeclarationError, f"{table.where}: ")
    given = [key for key in SOURCES if key in table.values]
    if len(given) != 1:
        raise DeclarationError(
            f"{table.where}: {len(given)} sources are given{': ' + listed(given) if given else ''}. Expected exactly "
            f"one of {listed(SOURCES)}. Say once where the variable comes from."
        )
    table.check(required=["kind", given[0]], optional=[*_COMMON, *_ALLOWED[given[0]]])
    kind = cast('Literal["ordered", "nominal", "number"]', table.choice("kind", ("ordered", "nominal", "number"), ""))
    cut = _cut(table) if "cut" in table.values else None
    answers = _answers(table, _level_keys(given[0], cut))
    _check_levels(name, table, kind, given[0], cut, answers)
    variable = Variable(name, kind, tuple(answer.level for answer in answers), *_labels(table, name))
    return Declaration(variable, _variable_source(table, given[0], cut, answers), answers)


def check_merges(item: Declaration, source: FromVariable, variables: Mapping[str, Variable], where: str) -> None:
    """Refuse a merging that leaves out, repeats or invents an answer of the variable it is made of."""
    if source.parent not in variables:
        raise DeclarationError(
            f'{where}: `from = "{source.parent}"` is not a declared variable. Declared: {listed(variables, most=40)}.'
            f"{did_you_mean(source.parent, variables)} Repair `from`."
        )
    parent = variables[source.parent]
    if (parent.kind == "number") != (source.cut is not None):
        raise DeclarationError(
            f'{where}: "{source.parent}" is of kind "{parent.kind}". Expected a number with `cut`, or answers with '
            "`merges` in every level. Repair `from`, `cut` or the levels."
        )
    if source.cut is not None:
        return
    known = [level.id for level in parent.levels]
    used = Counter([*(level for answer in item.answers for level in answer.merges), *source.drop])
    for level in used:
        if level not in known:
            raise DeclarationError(
                f'{where}: "{level}" is not a level of "{source.parent}". Expected: {listed(known, most=40)}.'
                f"{did_you_mean(level, known)} Repair `merges` or `drop`."
            )
    wrong = [f"{level} ({used[level]} times)" for level in known if used[level] != 1]
    if wrong:
        raise DeclarationError(
            f'{where}: levels of "{source.parent}" that are not merged exactly once: {listed(wrong)}. Expected each '
            "level in one `merges` or in `drop`. Add or remove them there."
        )


def _variable_source(
    table: TomlTable, given: str, cut: Cut | None, answers: tuple[Answer, ...]
) -> FromColumn | FromRules | FromVariable:
    if given == "from":
        return FromVariable(table.text("from"), table.texts("drop"), cut)
    if given == "rules":
        return FromRules(
            _rules(table, [answer.level.id for answer in answers]), table.text("otherwise", "no rule applies")
        )
    return FromColumn(
        column=table.text(given) if given != "position" else "",
        position=table.whole("position", 0),
        missing=_missing(table),
        empty=table.text("empty", "no answer"),
        cut=cut,
        birth_year_in=table.number("birth_year_in"),
        minimum=table.number("minimum"),
        maximum=table.number("maximum"),
    )


def _rules(table: TomlTable, ids: list[str]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    if not table.tables("rules"):
        raise table.wrong("rules", table.values["rules"], "one or more rules, each with `when` and `id`")
    for part in table.tables("rules"):
        part.check(required=["when", "id"])
        rule = Rule(read_condition(part.text("when"), part.where), part.text("id"))
        if rule.id not in ids:
            raise DeclarationError(
                f'{part.where}: "{rule.id}" is not one of the levels. Expected one of: {listed(ids, most=40)}.'
                f"{did_you_mean(rule.id, ids)} Repair `id`, or add the level."
            )
        rules.append(rule)
    return tuple(rules)


def _missing(table: TomlTable) -> tuple[MissingAnswer, ...]:
    parts: list[MissingAnswer] = []
    for part in table.tables("missing"):
        part.check(required=["reason"], optional=["codes", "text", "policy"])
        part.choice("policy", ("exclude",), "exclude")
        reason = part.text("reason")
        if not reason:
            raise part.wrong("reason", reason, 'a few words, like "do not know"')
        parts.append(MissingAnswer(part.numbers("codes"), part.texts("text"), reason))
    return tuple(parts)


def _cut(table: TomlTable) -> Cut:
    cut = table.table("cut")
    cut.check(required=["breaks"], optional=["closed"])
    breaks = cut.numbers("breaks")
    if len(breaks) < 2 or any(high <= low for low, high in pairwise(breaks)):
        raise cut.wrong("breaks", list(breaks), "two or more numbers, each higher than the one before")
    return Cut(breaks, cast('Literal["left", "right"]', cut.choice("closed", ("left", "right"), "left")))


def _level_keys(given: str, cut: Cut | None) -> tuple[str, ...]:
    """Name what may stand in a level beside its id and labels."""
    if cut is not None or given == "rules":
        return ()
    return ("merges",) if given == "from" else ("codes", "text")


def _answers(table: TomlTable, keys: tuple[str, ...]) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    for part in table.tables("levels"):
        part.check(required=["id"], optional=[*LABELS, *keys])
        name = part.text("id")
        if not name or any(mark in name for mark in _RESERVED):
            raise part.wrong("id", name, f"a short name without any of {' '.join(_RESERVED[:-1])}")
        codes, text = part.numbers("codes"), part.texts("text")
        if "text" in keys and not codes and "text" not in part.values:
            text = (name,)  # a level that says nothing else is the answer it is named after
        answers.append(Answer(Level(name, *_labels(part, name)), codes, text, part.texts("merges")))
    return tuple(answers)


def _labels(table: TomlTable, default: str) -> tuple[str, str, FurtherLabels]:
    """Give the Dutch and the English label, either of which stands in for the other, and those in further languages."""
    nl, en = table.text("nl"), table.text("en")
    return nl or en or default, en or nl or default, further_labels(table)


def further_labels(table: TomlTable) -> FurtherLabels:
    """Give the labels in languages other than Dutch and English."""
    return tuple((lang, text) for lang in FURTHER if (text := table.text(lang)))


def _check_levels(
    name: str, table: TomlTable, kind: str, given: str, cut: Cut | None, answers: tuple[Answer, ...]
) -> None:
    """Hold levels against kind and source, and refuse what is declared twice."""
    if kind == "number" and (answers or cut or given in {"rules", "from"}):
        raise DeclarationError(
            f'{table.where}: kind = "number" with levels, rules, `from` or `cut`. Expected a column of numbers, '
            "without "
            'these. Remove them, or write kind = "ordered".'
        )
    if kind != "number" and len(answers) < 2:
        raise DeclarationError(
            f'{table.where}: kind = "{kind}" with {len(answers)} levels. Expected two or more, lowest first. Add '
            "`levels`."
        )
    if cut and len(cut.breaks) != len(answers) + 1:
        raise DeclarationError(
            f"{table.where}: {len(cut.breaks)} breaks make {len(cut.breaks) - 1} levels, and {len(answers)} are "
            "declared. Expected one level between each two breaks. Repair `breaks` or `levels`."
        )
    numeric = [key for key in ("birth_year_in", "minimum", "maximum") if key in table.values]
    if numeric and kind != "number" and not cut:
        raise DeclarationError(
            f'{table.where}: {listed(numeric)} without a number. Expected it with kind = "number" or with `cut`. '
            "Remove it."
        )
    low, high = table.number("minimum"), table.number("maximum")
    if low is not None and high is not None and low > high:
        raise DeclarationError(
            f"{table.where}: `minimum` is {low:g} and `maximum` is {high:g}. Expected the smaller one as `minimum`. Exchange them."
        )
    missing = _missing(table) if given in {"column", "position", "question"} else ()
    _refuse_twice(table, "level ids", ids := [answer.level.id for answer in answers])
    refuse_alike(ids, name, DeclarationError, f"{table.where}: ")
    _refuse_twice(table, "codes", (plainly(code) for part in (*answers, *missing) for code in part.codes))
    _refuse_twice(table, "texts", (text for part in (*answers, *missing) for text in part.text))
    _refuse_same_words(table, "texts", [part.text for part in (*answers, *missing)])
    _refuse_same_words(table, "level ids", [(name,) for name in ids])
    alone = [part for part in (*answers, *missing) if not part.codes]
    _refuse_twice(table, "texts of one number", (plainly(number) for part in alone for number in set(part.numbers)))


def _refuse_twice(table: TomlTable, what: str, values: Iterable[str]) -> None:
    if twice := repeated(values):
        raise DeclarationError(
            f"{table.where}: {what} that are declared twice: {listed(twice)}. Expected each to mean one thing. Remove "
            "one."
        )


def _refuse_same_words(table: TomlTable, what: str, groups: Iterable[tuple[str, ...]]) -> None:
    """Refuse answers that are told apart only by capitals or white space: those of a file are compared without them."""
    first: dict[str, tuple[int, str]] = {}
    for place, texts in enumerate(groups):
        for text in texts:
            other, known = first.setdefault(squeezed(text), (place, text))
            if other != place:
                raise DeclarationError(
                    f"{table.where}: {what} of two answers that differ only in capitals or white space: {known!r} and {text!r}. Expected "
                    "answers with words of their own, since those of a file are compared without these. Make them one answer, or tell them "
                    "apart by `codes`."
                )
