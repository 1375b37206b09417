"""Strict reading of TOML: a syntax error names file and line, an unknown key suggests the nearest known one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wwm_models.errors import DeclarationError, did_you_mean, listed

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
        table = tomllib.loads(path.read_text(encoding="utf-8"))
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
