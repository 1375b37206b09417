"""Typed reading of one TOML table: a value of the wrong type is an error that names file, table and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from wwm_models.declared.toml import check_keys
from wwm_models.errors import DeclarationError, listed

LABELS: Final = ("id", "nl", "en", "title", "reason")
LONGEST: Final = 1000  # characters of a label; the page, the figures and Word take minutes for 5,000


@dataclass(frozen=True)
class Table:
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

    def named(self, where: str) -> Table:
        """The same table, found by other words."""
        return Table(self.values, where)

    def name(self, key: str) -> str:
        """Give a text that names something: not empty, nor white space."""
        value = self.text(key)
        if not value.strip():
            raise self.wrong(key, value, "a name between quotes, which is not empty")
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

    def table(self, key: str, where: str = "") -> Table:
        """Give the table below this one, found by these words; an empty one where the key is absent."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, value, "a table, like { ... }")
        return Table(cast("dict[str, Any]", value), where or f"{self.where}, `{key}`")

    def tables(self, key: str) -> tuple[Table, ...]:
        """Give the tables of a list, each with its place in the list."""
        value = self.values.get(key, [])
        several = cast("list[Any]", value if isinstance(value, list) else [value])
        if not all(isinstance(item, dict) for item in several):
            raise self.wrong(key, value, "a list of tables, like [ { ... }, { ... } ]")
        return tuple(Table(item, f"{self.where}, `{key}` {place}") for place, item in enumerate(several, start=1))

    def wrong(self, key: str, value: object, expected: str) -> DeclarationError:
        """Make the error for a value of the wrong type."""
        return DeclarationError(f"{self.where}: `{key}` is {value!r}. Expected {expected}. Repair that line.")
