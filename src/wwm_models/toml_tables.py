"""Strict reading of TOML, a file and one of its tables.

A syntax error names file and line, an unknown key suggests the nearest known one (`read_toml`, `check_keys`); a value of the wrong type is an
error that names file, table and key (`TomlTable`).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.messages import LANGUAGES

Value = TypeVar("Value")
DEEPEST, LARGEST = 30, 1e18  # tables within tables, and the largest number that any key can mean


def read_toml(path: Path) -> dict[str, Any]:
    """Give the tables of a TOML file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    DeclarationError
        If the file is absent, not UTF-8, or not TOML; or if a number is not finite. The message holds the file and the line or key.
    """
    if not path.is_file():
        siblings = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        have = (
            f" {path.parent} holds {listed(sorted(siblings))}."
            if siblings
            else f" There is nothing to read in {path.parent}."
        )
        raise DeclarationError(
            f"{path}: no such file.{have}{did_you_mean(path.name, siblings)} Give the path of a TOML file."
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors of Windows write a mark first
    except tomllib.TOMLDecodeError as problem:
        raise DeclarationError(
            f"{path}: not valid TOML: {problem}. Repair that line; values of text need quotes."
        ) from problem
    except UnicodeDecodeError as problem:
        raise DeclarationError(f"{path}: byte {problem.start} is not UTF-8. Save the file as UTF-8 text.") from problem
    except RecursionError as problem:
        raise _too_deep(path, "it") from problem
    except ValueError as problem:  # Python reads no whole number of more than 4,300 digits
        raise DeclarationError(
            f"{path}: a number has too many digits to be read. Expected numbers below {LARGEST:g}. Write that number shorter, or between quotes."
        ) from problem
    _refuse_unusable(table, path)
    return table


def place_of(name: str, path: Path) -> str:
    """Say in which line of a TOML file the table with an id stands, as far as that id is written there once.

    Examples
    --------
    >>> place_of("P1", Path("nowhere.toml"))
    'P1'
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    written = re.compile(rf"""\bid\s*=\s*["']{re.escape(name)}["']""")
    found = [number for number, line in enumerate(lines, start=1) if written.search(line)]
    return f"line {found[0]} ({name})" if len(found) == 1 else name


def _refuse_unusable(table: dict[str, Any], path: Path) -> None:
    """Refuse numbers that no key can mean, and tables within tables that nobody writes."""
    waiting: list[tuple[str, Any, int]] = [(name, value, 1) for name, value in table.items()]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise _too_deep(path, f"`{place[:60]}...`")
        if isinstance(value, dict):
            waiting += [(f"{place}.{name}", below, depth + 1) for name, below in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}[{number}]", below, depth + 1) for number, below in enumerate(value, start=1)]
        elif isinstance(value, float | int) and not abs(value) < LARGEST:
            raise DeclarationError(
                f"{path}: `{place}` is {str(value)[:40]}. Expected a finite number below {LARGEST:g}. Repair that line."
            )


def _too_deep(path: Path, what: str) -> DeclarationError:
    return DeclarationError(
        f"{path}: {what} has tables or lists within each other more than {DEEPEST} deep. Expected a few. Remove the brackets or dots that are too many."
    )


def check_keys(
    table: Mapping[str, Any], *, required: Iterable[str] = (), optional: Iterable[str] = (), where: str
) -> None:
    """Refuse a table with an unknown or an absent key.

    Parameters
    ----------
    table : mapping
    required, optional : iterables of str
    where : str
        File and table, as the user would look for it.

    Raises
    ------
    DeclarationError

    Examples
    --------
    >>> check_keys({"familly": "cumulative"}, optional=["family"], where="desired.toml")
    Traceback (most recent call last):
        ...
    wwm_models.errors.DeclarationError: desired.toml: unknown key "familly". Known keys: family. Did you mean "family"?
    """
    needed = list(required)
    known = [*needed, *optional]
    for key in table:
        if key not in known:
            raise DeclarationError(
                f'{where}: unknown key "{key}". Known keys: {listed(known, most=40)}.{did_you_mean(key, known)}'
            )
    absent = [key for key in needed if key not in table]
    if absent:
        raise DeclarationError(
            f"{where}: the key {listed(absent)} is absent. Add it; required keys: {listed(needed, most=40)}."
        )


def repeated(values: Iterable[Value]) -> list[Value]:
    """Values that stand more than once, in the order in which they first stand: what may be declared once.

    Examples
    --------
    >>> repeated(["young", "old", "old", "young", "other"])
    ['young', 'old']
    """
    return [value for value, times in Counter(values).items() if times > 1]


LABELS: Final = ("id", *LANGUAGES, "title", "reason")
LONGEST: Final = 1000  # characters of a label; the page, the figures and Word take minutes for 5,000


@dataclass(frozen=True)
class TomlTable:
    """One table of a TOML file, with the words by which a user finds it.

    Attributes
    ----------
    values : mapping
    where : str
        File and table, for example ``codebook.toml, [variables.gender]``.
    """

    values: Mapping[str, Any]
    where: str

    def check(self, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> None:
        """Refuse unknown and absent keys."""
        check_keys(self.values, required=required, optional=optional, where=self.where)

    def named(self, where: str) -> TomlTable:
        """The same table, found by other words."""
        return TomlTable(self.values, where)

    def name(self, key: str, what: str = "a name") -> str:
        """Give a text that names or says something: not empty, nor white space."""
        value = self.text(key)
        if not value.strip():
            raise self.wrong(key, value, f"{what} between quotes, which is not empty")
        return value

    def level(self, key: str) -> str:
        """Give the id of a level: a text, or a whole number that stands for one."""
        value = self.values.get(key)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.name(key)

    def between(self, key: str, least: float, most: float) -> float | None:
        """Give a number within limits, or None where the key is absent."""
        value = self.number(key)
        if value is not None and not least <= value <= most:
            limits = f"{least:g} or more" if most == float("inf") else f"from {least:g} to {most:g}"
            raise self.wrong(key, self.values[key], f"a number {limits}")
        return value

    def text(self, key: str, default: str = "") -> str:
        """Give a text, or `default` where the key is absent."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, value, 'a text between quotes, like "..."')
        if key in LABELS and len(value) > LONGEST:
            raise DeclarationError(
                f"{self.where}: `{key}` has {len(value):,} characters, from {value[:40]!r} on. Expected at most {LONGEST:,}: it stands in tables and "
                "figures. Shorten it."
            )
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str) -> str:
        """Give one of the known words."""
        value = self.text(key, default)
        if value not in known:
            raise DeclarationError(
                f'{self.where}: `{key} = "{value}"` is not known. Expected one of: {listed(known)}. Write one of these.'
            )
        return value

    def flag(self, key: str) -> bool:
        """Give true or false; false where the key is absent."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false, without quotes")
        return value

    def number(self, key: str) -> float | None:
        """Give a number, or None where the key is absent."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, value, "a number, without quotes")
        return float(value)

    def whole(self, key: str, default: int) -> int:
        """Give a whole number of zero or more."""
        value = self.number(key)
        if value is None:
            return default
        if not value.is_integer() or value < 0:
            raise self.wrong(key, self.values[key], "a whole number of zero or more")
        return int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; one text stands for a list of one, an empty text for an empty list."""
        value = self.values.get(key, [])
        several = cast("list[Any]", value if isinstance(value, list) else [value] if value != "" else [])
        if not all(isinstance(item, str) for item in several):
            raise self.wrong(key, value, 'a list of texts, like ["...", "..."]')
        return tuple(several)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Give a list of numbers."""
        value = self.values.get(key, [])
        several = cast("list[Any]", value if isinstance(value, list) else [value])
        if any(isinstance(item, bool) or not isinstance(item, int | float) for item in several):
            raise self.wrong(key, value, "a list of numbers, like [1, 2]")
        return tuple(float(item) for item in several)

    def table(self, key: str, where: str = "") -> TomlTable:
        """Give the table below this one, found by these words; an empty one where the key is absent."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, value, "a table, like { ... }")
        return TomlTable(cast("dict[str, Any]", value), where or f"{self.where}, `{key}`")

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """Give the tables of a list, each with its place in the list."""
        value = self.values.get(key, [])
        several = cast("list[Any]", value if isinstance(value, list) else [value])
        if not all(isinstance(item, dict) for item in several):
            raise self.wrong(key, value, "a list of tables, like [ { ... }, { ... } ]")
        return tuple(TomlTable(item, f"{self.where}, `{key}` {place}") for place, item in enumerate(several, start=1))

    def wrong(self, key: str, value: object, expected: str) -> DeclarationError:
        """Make the error for a value of the wrong type."""
        return DeclarationError(f"{self.where}: `{key}` is {value!r}. Expected {expected}. Repair that line.")
