"""A DDI-Codebook description (DDI-C 1.2 to 2.5): labels, answers, missing codes and measurement level of every variable.

Reference: DDI Alliance, DDI Codebook 2.5 field level documentation: ``dataDscr/var`` with ``labl``, ``qstn/qstnLit``,
``catgry`` (``catValu``, ``labl``, ``@missing``), ``invalrng`` (``item/@VALUE``, ``range/@min/@max``) and ``@nature``.

The XML is read by defusedxml: no entities, no document type, no other file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from wwm_models.errors import SurveyError, listed
from wwm_models.survey.columns import Cell, RawColumn, RawFile, Span, number_of, squeezed, within

MOST_BYTES: Final = 256 << 20
_MEASURES: Final = {"nominal": "nominal", "ordinal": "ordinal", "interval": "scale", "ratio": "scale"}


@dataclass(frozen=True)
class Described:
    """One variable of a description."""

    name: str
    label: str
    measure: str
    labels: dict[float | str, str]
    missing: tuple[Span, ...]


@dataclass(frozen=True)
class Description:
    """A whole description: the title of the study and its variables by name."""

    path: Path
    title: str
    variables: dict[str, Described]


def read_ddi(path: Path) -> Description:
    """Give what a DDI-Codebook file says.

    Raises
    ------
    SurveyError
        If the file is absent, too large, no XML, unsafe XML, or describes no variable.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    if not path.is_file():
        raise SurveyError(
            f"{path}: there is no such file. Expected a DDI-Codebook description (.xml). Repair the path."
        )
    if path.stat().st_size > MOST_BYTES:
        raise SurveyError(f"{path}: {path.stat().st_size:,} bytes. Expected a description of at most {MOST_BYTES:,}.")
    try:
        root = parse(str(path), forbid_dtd=True).getroot()
    except DefusedXmlException as problem:
        raise SurveyError(
            f"{path}: the XML declares a document type or entities ({type(problem).__name__}), which can make a small file large "
            "or read other files. Expected plain XML. Remove the <!DOCTYPE ...> part if you trust the file."
        ) from None
    except (ParseError, ValueError, LookupError) as problem:
        raise SurveyError(
            f"{path}: not well-formed XML: {problem}. Expected a DDI-Codebook file. Export it again."
        ) from None
    found = [_variable(item) for item in _all(root, "var")]
    if not found:
        raise SurveyError(
            f"{path}: the XML describes no variable (its root is <{_tag(root)}>). Expected DDI-Codebook, with <var> below "
            "<dataDscr>. DDI-Lifecycle files are another format: export the codebook as DDI-Codebook 2.5."
        )
    return Description(path, _title(root), {item.name: item for item in found})


def described_by(file: RawFile, description: Description) -> RawFile:
    """Give the columns of a file with what a description adds to them; what the file itself says goes first."""
    by_name = {squeezed(name): item for name, item in description.variables.items()}
    if not any(squeezed(column.name) in by_name for column in file.columns):
        raise SurveyError(
            f"{description.path}: none of the {len(by_name)} variables it describes ({listed(description.variables)}) is a "
            f"column of {file.path} ({listed(column.name for column in file.columns)}). Expected the description of this "
            "file. Give the other one."
        )
    return replace(file, columns=tuple(_joined(column, by_name.get(squeezed(column.name))) for column in file.columns))


def _joined(column: RawColumn, item: Described | None) -> RawColumn:
    if item is None:
        return column
    labels = {**item.labels, **column.labels}
    missing = column.missing or item.missing
    cells = tuple(_cell(cell, labels, missing) for cell in column.cells)
    return replace(
        column, cells=cells, labels=labels, missing=missing,
        label=column.label or item.label, measure=column.measure or item.measure,
    )  # fmt: skip


def _cell(cell: Cell, labels: dict[float | str, str], missing: tuple[Span, ...]) -> Cell:
    value = cell.text if cell.number != cell.number else cell.number
    return replace(cell, label=labels.get(value, ""), user_missing=bool(cell.text) and within(value, missing))


def _variable(item: Any) -> Described:
    labels: dict[float | str, str] = {}
    missing: list[Span] = []
    for part in _all(item, "catgry"):
        value = _value(_text(part, "catValu"))
        label = _text(part, "labl")
        if value == "":
            continue
        if label:
            labels[value] = label
        if part.get("missing", "").upper() == "Y":
            missing.append((value, value))
    for part in _all(item, "invalrng"):
        missing += [(_value(one.get("VALUE", "")), _value(one.get("VALUE", ""))) for one in _all(part, "item")]
        missing += [_range(one) for one in _all(part, "range")]
    return Described(
        name=item.get("name", ""),
        label=_text(item, "labl") or _text(item, "qstn", "qstnLit"),
        measure=_MEASURES.get(item.get("nature", ""), ""),
        labels=labels,
        missing=tuple(dict.fromkeys(span for span in missing if "" not in span)),
    )


def _range(part: Any) -> Span:
    low, high = number_of(part.get("min", "")), number_of(part.get("max", ""))
    return (-float("inf") if low != low else low), (float("inf") if high != high else high)


def _value(text: str) -> float | str:
    number = number_of(text)
    return text.strip() if number != number else number


def _title(root: Any) -> str:
    for part in _all(root, "titlStmt"):
        return _text(part, "titl")
    return ""


def _tag(item: Any) -> str:
    """Give an element's name without its namespace, which differs between versions."""
    return str(item.tag).rpartition("}")[2]


def _all(item: Any, tag: str) -> Iterator[Any]:
    return (part for part in item.iter() if _tag(part) == tag)


def _text(item: Any, *path: str) -> str:
    """Give the text of the first child on a path of names; empty where there is none."""
    for tag in path:
        item = next((part for part in item if _tag(part) == tag), None)
        if item is None:
            return ""
    return " ".join("".join(item.itertext()).split())
