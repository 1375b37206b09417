"""What a column of a table holds, as the readers of files would have it: a text, a number, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from wwm_models.errors import SurveyError
from wwm_models.survey.raw import number_of, plainly

# that of raw.number_of, as every engine reads it; what could be too large for a double is no number, since not every engine can try
_NUMBER: Final = r"^[ \t\r\n\f]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9][0-9]?)?[ \t\r\n\f]*$"
_MOST_CHARACTERS: Final = 100


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
            found = self.text.isin(list(texts)).fill_null(False)
        return found | self.number.isin(numbers).fill_null(False) if numbers else found


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
