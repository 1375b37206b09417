"""The codebook as expressions of the engine: contents of columns, conditions, and every declared variable.

What `survey.recode_values` and `survey.read` do with the cells of a file is said here to an engine, rule for rule and in the same order. A
column's contents are as the readers of files would have them: a text, a number, or nothing (`contents_of`). Conditions are left to the engine,
whose own logic of nulls is the three-valued one of `survey.conditions` (`truth_expression`). Each variable becomes two columns, its value and a
code for why it is missing (`compiled`), of a table in a table, so that one made of others names them instead of repeating what they are made of.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, Final

from wwm_models.errors import SurveyError
from wwm_models.messages import category, listed_as, say, variable
from wwm_models.survey.codebook import Codebook, Cut, Declaration, FromColumn, FromRules, FromVariable, parents_of
from wwm_models.survey.columns import number_of, plainly
from wwm_models.survey.conditions import KNOWN, ORDERS, ComparisonCondition, Condition, Joined, names_in
from wwm_models.survey.survey import Variable

# that of raw.number_of, as every engine reads it; what could be too large for a double is no number, since not every engine can try
_NUMBER: Final = r"^[ \t\r\n\f]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9][0-9]?)?[ \t\r\n\f]*$"
_MOST_CHARACTERS: Final = 100
_SPACES: Final = (
    ("\t", " "),
    ("\r", " "),
    ("\n", " "),
    ("\u00a0", " "),
    ("    ", " "),
    ("  ", " "),
    ("  ", " "),
)  # no engine lacks `replace`


@dataclass(frozen=True, eq=False)
class Contents:
    """A column as expressions of the engine, each for every row.

    Attributes
    ----------
    number : Ibis expression
        Null where there is none.
    text : Ibis expression or None
        None for a column of numbers, whose texts are the numbers as a file would write them.
    """

    number: Any
    text: Any

    @property
    def _plain(self) -> Any:
        """The text without differences of capitals and white space."""
        plain = self.text
        for several, one in _SPACES:
            plain = plain.replace(several, one)
        return plain.strip().lower()

    @property
    def empty(self) -> Any:
        """True or false."""
        return self.number.isnull() if self.text is None else (self.text.isnull() | (self.text == "")).fill_null(True)

    def among(self, codes: Sequence[float], texts: Sequence[str]) -> Any:
        """True where the column holds one of the codes or texts, else false."""
        import ibis

        numbers, found = list(codes), ibis.literal(False)
        if self.text is None:
            numbers += [number_of(text) for text in texts if plainly_written(text)]
        elif texts:
            found = (self.text.isin(list(texts)) | self._plain.isin(_plainly(texts))).fill_null(False)
        return found | self.number.isin(numbers).fill_null(False) if numbers else found


def _plainly(texts: Sequence[str]) -> list[str]:
    """Texts without differences of capitals and white space, as Python and as engines make capitals small; white space alone is only itself."""
    found = [" ".join(text.split()) for text in texts]
    return sorted({plain for text in found if text for plain in (text.casefold(), text.lower())} or {"\0"})


def infinite(number: Any) -> Any:
    """True where a number has no end; some engines cannot write infinity, all compare with the largest number there is."""
    return number.abs() > sys.float_info.max


def plainly_written(text: str) -> bool:
    """Say whether a text is a number as `plainly` writes it.

    Examples
    --------
    >>> plainly_written("1"), plainly_written("1.0"), plainly_written("yes")
    (True, False, False)
    """
    number = number_of(text)
    return number == number and plainly(number) == text


def contents_of(column: Any, decimal: str, where: str, *, nan: bool) -> Contents:
    """Give a column as text, number or nothing.

    Parameters
    ----------
    column : Ibis column expression
    decimal : str
        The decimal mark of texts.
    where : str
        Table and column, for the message.
    nan : bool
        Whether numbers of the engine may be "not a number".

    Raises
    ------
    SurveyError
        If it holds neither texts nor numbers, nor dates or truth values.
    """
    import ibis

    kind, none = column.type(), ibis.null("float64")
    if kind.is_boolean():
        return Contents(none, ibis.cases((column, "true"), (~column, "false"), else_=ibis.null("string")))
    if kind.is_numeric():
        number: Any = column.cast("float64")
        return Contents(ibis.ifelse(number.isnan(), none, number) if nan and kind.is_floating() else number, None)
    if kind.is_date():
        return Contents(none, column.strftime("%Y-%m-%d"))
    if kind.is_string():
        plain = column if decimal == "." else column.replace(decimal, ".")
        written = plain.re_search(_NUMBER) & (plain.length() <= _MOST_CHARACTERS)
        return Contents(ibis.ifelse(written, plain.strip().cast("float64"), none), column)
    raise SurveyError(
        f"{where} holds values of type {kind}. Expected texts, numbers, dates or true and false. Make it one of these in the "
        "database, or read the table whole with wwm.read_survey."
    )


_COMPARE: Final[dict[str, Callable[[Any, list[float]], Any]]] = {
    **ORDERS,
    "in": lambda x, v: x.isin(v),
    "not in": lambda x, v: ~x.isin(v),
}


def truth_expression(condition: Condition, variables: Mapping[str, Variable], values: Mapping[str, Any]) -> Any:
    """Give an expression that is true, false, or null where it is not known.

    Parameters
    ----------
    condition : Condition
        Already checked.
    variables : mapping of name to Variable
    values : mapping of name to expression
        Numbers as they are; answers as their place among the levels, from 0; null where missing.
    """
    return _truth(condition.tree, variables, values)


def _truth(node: ComparisonCondition | Joined, variables: Mapping[str, Variable], values: Mapping[str, Any]) -> Any:
    if isinstance(node, ComparisonCondition):
        return _compared(node, variables[node.variable], values[node.variable])
    parts = [_truth(part, variables, values) for part in node.parts]
    if node.word == "not":
        return ~parts[0]
    return functools.reduce(operator.and_ if node.word == "and" else operator.or_, parts)


def _compared(part: ComparisonCondition, variable: Variable, value: Any) -> Any:
    if part.operator == KNOWN:
        return value.notnull()
    levels = [level.id for level in variable.levels]
    return _COMPARE[part.operator](value, [levels.index(v) if isinstance(v, str) else v for v in part.values])


UNKNOWN: Final = -1  # reason of a cell that the codebook does not know
_OUTSIDE: Final = -2  # of a number outside all intervals
Words = Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Compiled:
    """One variable.

    Attributes
    ----------
    variable : Variable
    value : str
        Column of the number, or of the place of the answer among the levels; null where missing.
    reason : str
        Column of the code; 0 where there is a value.
    reason_of : function of an int
        The words of a reason.
    lowest : int
        No reason has a lower code.
    """

    variable: Variable
    value: str
    reason: str
    reason_of: Words
    lowest: int = _OUTSIDE


@dataclass(frozen=True, eq=False)
class _Made:
    """Expressions of one variable before they are columns; `reason` is asked only where there is no value."""

    value: Any
    reason: Any
    reason_of: Words
    lowest: int = _OUTSIDE


@dataclass(frozen=True, eq=False)
class _So:
    """A table so far, with the variables that are columns of it."""

    table: Any
    done: Mapping[str, Compiled]

    @property
    def variables(self) -> dict[str, Variable]:
        """Those variables."""
        return {name: made.variable for name, made in self.done.items()}

    @property
    def values(self) -> dict[str, Any]:
        """Their columns of values."""
        return {name: self.table[made.value] for name, made in self.done.items()}


def needed(codebook: Codebook, names: Sequence[str]) -> tuple[Declaration, ...]:
    """Give what the named variables and the universe are made of, in the order in which they can be made."""
    universe = (*codebook.universe.all, *(part.when for part in codebook.universe.exclude))
    wanted = {*names, *(name for condition in universe for name in names_in(condition))}
    for item in reversed(codebook.declarations):
        if item.variable.name in wanted:
            wanted |= set(parents_of(item))
    return tuple(item for item in codebook.declarations if item.variable.name in wanted)


def compiled(
    items: Sequence[Declaration], table: Any, contents: Callable[[Any, str], Contents]
) -> tuple[Any, dict[str, Compiled]]:
    """Give a table with the variables as columns, and which columns they are.

    Parameters
    ----------
    items : sequence of Declaration
        Those that are `needed`.
    table : Ibis table expression
    contents : function of a table and a variable that stands in it
        What its column holds.
    """
    so = _So(table, {})
    for place, item in enumerate(items):
        made = _made(item, so, contents)
        value, reason = f"wwm_value_{place}", f"wwm_reason_{place}"
        valued = so.table.mutate(**{value: made.value})
        reasoned = valued.mutate(**{reason: chosen([(valued[value].notnull(), 0)], made.reason)})
        own = Compiled(item.variable, value, reason, made.reason_of, made.lowest)
        so = _So(reasoned, {**so.done, item.variable.name: own})
    return so.table, dict(so.done)


def chosen(cases: Sequence[tuple[Any, Any]], otherwise: Any) -> Any:
    """The value of the first case that holds."""
    import ibis

    return ibis.cases(*cases, else_=otherwise) if cases else otherwise


def missing_code(source: FromColumn, contents: Contents) -> Any:
    """The reason for which a cell is no answer; `UNKNOWN` where it may be one. In the order of `answers.missing_reason`."""
    declared = [(contents.among(part.numbers, part.text), place) for place, part in enumerate(source.missing, start=1)]
    return chosen([*declared, (contents.empty, len(source.missing) + 1)], UNKNOWN)


def _made(item: Declaration, so: _So, contents: Callable[[Any, str], Contents]) -> _Made:
    match item.source:
        case FromColumn():
            number = item.variable.kind == "number" or item.source.cut is not None
            return (_number if number else _answer)(item, item.source, contents(so.table, item.variable.name))
        case FromRules():
            return _by_rules(item, item.source, so)
        case FromVariable(cut=None):
            return _merged(item, item.source, so)
        case FromVariable():
            return _cut(item.source, so)


def _column_reasons(source: FromColumn) -> Words:
    words = ["", *(part.reason for part in source.missing), source.empty]
    outside = "" if source.cut is None else _outside(source.cut)
    return lambda code: outside if code == _OUTSIDE else words[code]


def _answer(item: Declaration, source: FromColumn, contents: Contents) -> _Made:
    import ibis

    places = [(contents.among(answer.numbers, answer.text), place) for place, answer in enumerate(item.answers)]
    return _Made(chosen(places, ibis.null("int64")), missing_code(source, contents), _column_reasons(source))


def _number(item: Declaration, source: FromColumn, contents: Contents) -> _Made:  # noqa: ARG001
    import ibis

    reason = missing_code(source, contents)
    number = contents.number if source.birth_year_in is None else source.birth_year_in - contents.number
    value = ibis.ifelse(reason == UNKNOWN, number, ibis.null("float64"))
    if source.cut is None:
        return _Made(value, reason, _column_reasons(source))
    return _Made(_interval(value, source.cut), chosen([(value.notnull(), _OUTSIDE)], reason), _column_reasons(source))


def _interval(value: Any, cut: Cut) -> Any:
    """The place of the interval a number lies in; null outside all."""
    import ibis

    below, above = (operator.ge, operator.lt) if cut.closed == "left" else (operator.gt, operator.le)
    cases = [(below(value, low) & above(value, high), place) for place, (low, high) in enumerate(pairwise(cut.breaks))]
    return chosen(cases, ibis.null("int64"))


def _outside(cut: Cut) -> str:
    return f"outside {plainly(float(cut.breaks[0]))}-{plainly(float(cut.breaks[-1]))}"


def _by_rules(item: Declaration, source: FromRules, so: _So) -> _Made:
    """The first rule that is true, provided all rules before it are false; the code of what is not known names who is missing."""
    import ibis

    places = {level.id: place for place, level in enumerate(item.variable.levels)}
    values, none = so.values, ibis.null("int64")
    cases: list[tuple[Any, Any]] = []
    fallen: list[tuple[Any, Any]] = []
    names = list(dict.fromkeys(name for rule in source.rules for name in names_in(rule.when)))
    bits: list[Any] = [ibis.ifelse(values[name].isnull(), 2**bit, 0) for bit, name in enumerate(names)]
    absent = reduce(operator.add, bits)
    for rule in source.rules:
        truth = truth_expression(rule.when, so.variables, values)
        cases += [(truth, places[rule.id]), (truth.isnull(), none)]
        fallen += [(truth, 1), (truth.isnull(), absent + 1)]

    def reason_of(code: int) -> str:
        if code <= 1:
            return source.otherwise if code else ""
        missing = (variable(name) for bit, name in enumerate(names) if (code - 1) >> bit & 1)
        return say("not_known", condition=listed_as(missing))

    return _Made(chosen(cases, none), chosen(fallen, 1), reason_of)


def _cut(source: FromVariable, so: _So) -> _Made:
    """A number cut into levels."""
    assert source.cut is not None
    parent, outside = so.done[source.parent], _outside(source.cut)
    value = so.table[parent.value]
    reason = chosen([(value.notnull(), _OUTSIDE)], so.table[parent.reason])
    return _Made(
        _interval(value, source.cut), reason, lambda code: outside if code == _OUTSIDE else parent.reason_of(code)
    )


def _merged(item: Declaration, source: FromVariable, so: _So) -> _Made:
    """Answers of another variable merged, some perhaps left out."""
    import ibis

    parent = so.done[source.parent]
    value, ids = so.table[parent.value], [level.id for level in parent.variable.levels]
    merged = [
        (value.isin([ids.index(level) for level in answer.merges]), place)
        for place, answer in enumerate(item.answers)
        if answer.merges
    ]
    first = parent.lowest - 1
    dropped = [(value == ids.index(level), first - place) for place, level in enumerate(source.drop)]

    def reason_of(code: int) -> str:
        place = first - code
        if not 0 <= place < len(source.drop):
            return parent.reason_of(code)
        return say("left_out_answer", answer=category(source.parent, source.drop[place]))

    reason = chosen(dropped, so.table[parent.reason])
    return _Made(chosen(merged, ibis.null("int64")), reason, reason_of, first - len(source.drop))
