"""A codebook from its TOML file, and the hash of a data file back into it.

Every key is checked, every condition read, and variables are put in the order of their making (`read_codebook`). `locked` sets the SHA-256 of the data
file: one value changes, every other byte stays.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final, cast

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.survey.codebook import (
    Codebook,
    Declaration,
    Exclusion,
    FromColumn,
    FromRules,
    FromVariable,
    Sampling,
    Source,
    Universe,
    parents_of,
)
from wwm_models.survey.conditions import check_condition, read_condition
from wwm_models.survey.declared_variable import LABELS, check_merges, further_labels, read_variable
from wwm_models.survey.frames import refuse_collapse_name
from wwm_models.survey.sampling_design import Lonely
from wwm_models.survey.survey import Collapse, Variable, WeightKind
from wwm_models.toml_tables import TomlTable, read_toml

_SAMPLING_KEYS: Final = (
    "weight", "weight_kind", "weight_missing_codes", "strata", "psu", "fpc", "lonely",
    "suppress_below", "suppress_counts", "accept_extreme_weights",
)  # fmt: skip


def read_codebook(path: str | Path) -> Codebook:
    """Give the codebook of a TOML file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Codebook
        Its declarations stand in an order in which each variable can be made of those before it.

    Raises
    ------
    DeclarationError
        If a key, a condition, a level or a reference is not what a codebook can have; the message says where.
    """
    path = Path(path)
    book = TomlTable(read_toml(path), str(path))
    book.check(required=["variables"], optional=["source", "universe", "survey", "answers", "collapses"])
    declared = {name: _variable(book, name) for name in book.table("variables").values}
    variables = {name: item.variable for name, item in declared.items()}
    codebook = Codebook(
        path=path,
        source=_source(_section(book, "source")),
        universe=_universe(_section(book, "universe")),
        sampling=_sampling(_section(book, "survey")),
        declarations=tuple(_in_order(declared, path)),
        collapses=_collapses(book, variables),
    )
    _check_references(codebook, declared, variables)
    _refuse_one_column_twice(codebook)
    return codebook


_SHARED: Final = ("kind", "levels", "missing", "empty")


def _variable(book: TomlTable, name: str) -> Declaration:
    """Read a variable, with the answers that it shares with others put in: what it says itself goes first."""
    table = _section(book, "variables", name)
    shared = table.text("answers")
    if "answers" not in table.values:
        return read_variable(name, table)
    known = list(book.table("answers").values)
    if shared not in known:
        raise DeclarationError(
            f'{table.where}: `answers` is "{shared}", and there is no table [answers.{shared}]. Expected one of: {listed(known)}.'
            f"{did_you_mean(shared, known)} Write one of these, or `levels` of its own."
        )
    answers = _section(book, "answers", shared)
    answers.check(optional=_SHARED)
    own = {key: value for key, value in table.values.items() if key != "answers"}
    where = f"{table.where} (answers: [answers.{shared}])"
    return replace(read_variable(name, TomlTable({**answers.values, **own}, where)), answers_in=shared)


def _refuse_one_column_twice(codebook: Codebook) -> None:
    """Refuse two variables that read the same answers from one column: a name that was copied and not changed."""
    first: dict[object, str] = {}
    for item in codebook.declarations:
        if not isinstance(item.source, FromColumn):
            continue
        contents = tuple((answer.codes, answer.text) for answer in item.answers)
        read = (
            item.source.column,
            item.source.position,
            item.source.cut,
            item.source.birth_year_in,
            item.variable.kind,
            contents,
        )
        other = first.setdefault(read, item.variable.name)
        if other != item.variable.name:
            column = (
                f'column "{item.source.column}"'
                if item.source.column
                else f"the column at position {item.source.position}"
            )
            raise DeclarationError(
                f"{codebook.path}: [variables.{other}] and [variables.{item.variable.name}] read the same answers from {column}. Expected a column "
                "for each question. Write the other column's name, or remove one of the two variables."
            )


def _section(book: TomlTable, *keys: str) -> TomlTable:
    """Give ``[key]`` or ``[key.name]``, named as it is written in the file."""
    table = book
    for key in keys:
        table = table.table(key)
    return TomlTable(table.values, f"{book.where}, [{'.'.join(keys)}]")


def _source(table: TomlTable) -> Source:
    table.check(
        optional=[
            "title",
            "encoding",
            "delimiter",
            "decimal",
            "sha256",
            "synthetic",
            "id",
            "panel",
            "table",
            "memory_gb",
        ]
    )
    delimiter = table.text("delimiter")
    if len(delimiter) > 1 or (delimiter and delimiter in '"\r\n\0'):
        raise table.wrong("delimiter", delimiter, 'one character, like "," or ";" or "\\t"')
    if table.flag("panel") and not table.text("id"):
        raise table.wrong("panel", True, "false where no `id` says who a respondent is")
    return Source(
        title=table.text("title"),
        encoding=table.text("encoding"),
        delimiter=delimiter,
        decimal=table.choice("decimal", (".", ","), "."),
        sha256=table.text("sha256"),
        synthetic=table.flag("synthetic"),
        id=table.text("id"),
        panel=table.flag("panel"),
        table=table.text("table"),
        memory_gb=table.between("memory_gb", 0.0, float("inf")) or 0.0,
    )


def _universe(table: TomlTable) -> Universe:
    table.check(optional=["all", "exclude"])
    exclusions: list[Exclusion] = []
    for part in table.tables("exclude"):
        part.check(required=["when", "reason"])
        exclusions.append(Exclusion(read_condition(part.text("when"), part.where), part.text("reason")))
    return Universe(tuple(read_condition(text, table.where) for text in table.texts("all")), tuple(exclusions))


def _sampling(table: TomlTable) -> Sampling:
    table.check(optional=_SAMPLING_KEYS)
    weight = table.text("weight")
    kind = table.choice("weight_kind", ("sampling", "frequency"), "sampling")
    return Sampling(
        weight=weight,
        weight_kind=cast("WeightKind", kind if weight else "none"),
        weight_missing_codes=table.numbers("weight_missing_codes"),
        strata=table.texts("strata"),
        psu=table.texts("psu"),
        fpc=table.texts("fpc"),
        lonely=cast("Lonely", table.choice("lonely", ("error", "certainty", "average", "adjust"), "error")),
        suppress_below=table.whole("suppress_below", 10),
        suppress_counts=table.flag("suppress_counts"),
        accept_extreme_weights=table.flag("accept_extreme_weights"),
    )


def _collapses(book: TomlTable, variables: Mapping[str, Variable]) -> dict[str, Collapse]:
    found: dict[str, Collapse] = {}
    for name in book.table("collapses").values:
        table = _section(book, "collapses", name)
        table.check(required=["levels"], optional=["variable", "variables", "id", *LABELS])
        several = table.texts("variables")
        if bool(several) == ("variable" in table.values):
            raise DeclarationError(
                f"{table.where}: {'both' if several else 'neither'} of `variable` and `variables` {'are' if several else 'is'} given. "
                "Expected the variable whose levels are put together, or a list of several that share these levels. Write one of the two keys."
            )
        for variable in several or (table.text("variable"),):
            key = f"{variable}_{name}" if several else name
            if key in found:
                raise DeclarationError(
                    f'{table.where}: "{key}" is the name of another collapse. Expected a name for each. Rename one of them.'
                )
            found[key] = _collapse(name, variable, table, variables, found.values())
    return found


def _collapse(
    name: str, variable: str, table: TomlTable, variables: Mapping[str, Variable], before: Iterable[Collapse]
) -> Collapse:
    name, levels = table.text("id", name), table.texts("levels")
    if variable not in variables:
        raise DeclarationError(
            f'{table.where}: "{variable}" is not a declared variable. Declared: {listed(variables, most=40)}.'
            f"{did_you_mean(variable, variables)} Repair `{'variables' if 'variables' in table.values else 'variable'}`."
        )
    known = [level.id for level in variables[variable].levels]
    for level in levels:
        if level not in known:
            raise DeclarationError(
                f'{table.where}: "{level}" is not a level of "{variable}". Expected some of: {listed(known, most=40)}.'
                f"{did_you_mean(level, known)} Repair `levels`."
            )
    if not levels or len(set(levels)) < len(levels):
        raise DeclarationError(
            f'{table.where}: levels {list(levels)} for the collapse "{name}". Expected one or more levels of '
            f'"{variable}", '
            "each once. Repair `levels`."
        )
    taken = [*known, *(one.id for one in before if one.variable == variable)]
    refuse_collapse_name(name, taken, DeclarationError, f"{table.where}: ")
    return Collapse(name, variable, levels, table.text("nl", name), table.text("en", name), further_labels(table))


def _in_order(declared: Mapping[str, Declaration], path: Path) -> list[Declaration]:
    """Put each variable after those it is made of."""
    graph = {name: [other for other in parents_of(item) if other in declared] for name, item in declared.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as problem:
        circle = " -> ".join(reversed(cast("list[str]", problem.args[1])))
        raise DeclarationError(
            f"{path}, [variables]: variables are made of each other in a circle: {circle}. Expected each to come from "
            "a column in the end. Make one of them from a column."
        ) from None
    return [declared[name] for name in order]


def _check_references(
    codebook: Codebook, declared: Mapping[str, Declaration], variables: Mapping[str, Variable]
) -> None:
    """Hold every condition and every merge against the variables they speak of."""
    where = f"{codebook.path}, [universe]"
    for condition in (*codebook.universe.all, *(part.when for part in codebook.universe.exclude)):
        check_condition(condition, variables, where)
    for name, item in declared.items():
        if isinstance(item.source, FromRules):
            for rule in item.source.rules:
                check_condition(rule.when, variables, codebook.where(name))
        if isinstance(item.source, FromVariable):
            check_merges(item, item.source, variables, codebook.where(name))


_HEADER: Final = re.compile(rb"^[ \t]*\[[ \t]*source[ \t]*\][ \t]*(#[^\n]*)?\r?$", re.MULTILINE)
_NEXT: Final = re.compile(rb"^[ \t]*\[", re.MULTILINE)
_VALUE: Final = re.compile(rb"""^([ \t]*sha256[ \t]*=[ \t]*)("[^"\r\n]*"|'[^'\r\n]*')""", re.MULTILINE)


def locked(codebook: bytes, sha256: str, path: Path) -> bytes:
    r"""Give the bytes of a codebook that accepts only the file with this hash.

    Parameters
    ----------
    codebook : bytes
        A valid TOML file.
    sha256 : str
    path : Path
        Of the codebook, for messages.

    Returns
    -------
    bytes
        With ``sha256`` set in [source]; comments, order and line ends as they were.

    Raises
    ------
    DeclarationError
        If the line cannot be found without doubt.

    Examples
    --------
    >>> locked(b'[source]\nsha256 = ""   # which file\n', "ab12", Path("codebook.toml"))
    b'[source]\nsha256 = "ab12"   # which file\n'
    """
    before = tomllib.loads(codebook.decode("utf-8"))
    made = _with_hash(codebook, sha256.encode("ascii"))
    try:
        after: dict[str, Any] = tomllib.loads(made.decode("utf-8"))
    except tomllib.TOMLDecodeError:
        after = {}
    expected = {**before, "source": {**before.get("source", {}), "sha256": sha256}}
    if after != expected:
        raise DeclarationError(
            f"{path}: the place for the hash cannot be found without doubt. Expected a table [source] on a line of its own, with "
            f'`sha256 = "..."` below it. Write it yourself: `sha256 = "{sha256}"`.'
        )
    return made


def _with_hash(codebook: bytes, sha256: bytes) -> bytes:
    end = b"\r\n" if b"\r\n" in codebook else b"\n"
    header = _HEADER.search(codebook)
    if header is None:
        return b"[source]" + end + b'sha256 = "' + sha256 + b'"' + end + end + codebook
    stop = _NEXT.search(codebook, header.end())
    section = codebook[header.end() : stop.start() if stop else len(codebook)]
    rest = codebook[header.end() + len(section) :]
    if _VALUE.search(section):
        return codebook[: header.end()] + _VALUE.sub(rb'\g<1>"' + sha256 + b'"', section, count=1) + rest
    head = codebook[: header.end()].rstrip(b"\r")
    return head + end + b'sha256 = "' + sha256 + b'"' + codebook[len(head) :]
