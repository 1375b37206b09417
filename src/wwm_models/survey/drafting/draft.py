"""A commented codebook in TOML from the columns of a file; it is valid as it stands, and a person finishes it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wwm_models.survey.codebook import Source
from wwm_models.survey.drafting.proposal import STRATUM, UNIT, Entry, Proposal, level_ids, name_of, propose
from wwm_models.survey.fields import LONGEST
from wwm_models.survey.places import data_name
from wwm_models.survey.raw import RawFile, plainly
from wwm_models.survey.readers.encoding import likely

HEAD_BYTES: Final = 1 << 20
_TEXT: Final = (".csv", ".tsv", ".txt")
_HEAD: Final = """\
# Codebook of {name}: a draft of `wwm codebook draft`, made of what the file says of itself.
#
# It can be read as it stands, unless a CHECK line says otherwise: `wwm check FOLDER --data {name}`, with this file in
# FOLDER as codebook.toml. Then go through the lines that say CHECK, give the variables names you would use in a sentence, leave out what you do not need,
# write the answers in both languages, and when all is well: `wwm codebook lock FOLDER --data {name}`.
"""


def source_of(data: str | Path, table: str = "") -> Source:
    """Guess how a text file is written: encoding, delimiter and decimal mark; nothing for other files.

    Parameters
    ----------
    data : str or Path
    table : str
        Sheet or table of a file that has several.
    """
    path = Path(data)
    if path.suffix.lower() not in _TEXT or not path.is_file():
        return Source(table=table)
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    encoding = likely(head[: head.rfind(b"\n") + 1] or head)
    lines = head.decode(encoding, errors="replace").splitlines()[:50]
    marks = Counter({mark: lines[0].count(mark) for mark in ",;\t|"} if lines else {})
    delimiter = marks.most_common(1)[0][0] if any(marks.values()) else ","
    cells = [cell for line in lines[1:] for cell in line.split(delimiter)]
    comma = delimiter != "," and any(_is_decimal(cell, ",") for cell in cells)
    point = any(_is_decimal(cell, ".") for cell in cells)
    return Source(encoding=encoding, delimiter=delimiter, decimal="," if comma and not point else ".", table=table)


def _is_decimal(cell: str, mark: str) -> bool:
    whole, found, part = cell.strip().strip('"').partition(mark)
    return bool(found) and whole.lstrip("+-").isdigit() and part.isdigit()


def draft_codebook(file: RawFile, source: Source, *, title: str = "") -> str:
    """Give the text of a codebook for a file.

    Parameters
    ----------
    file : RawFile
        Perhaps with what a DDI description adds.
    source : Source
        How the file was read.
    title : str
        Of the survey, where it is known.

    Returns
    -------
    str
        TOML that `read_codebook` accepts.
    """
    proposals = [propose(column) for column in file.columns]
    twice = {name for name, times in Counter(column.name for column in file.columns).items() if times > 1}
    parts = [
        _HEAD.format(name=_comment(data_name(file.path))),
        _source_part(proposals, source, title),
        _survey_part(proposals),
    ]
    taken: list[str] = []
    for place, item in enumerate(proposals, start=1):
        if item.kind == "left out":
            parts.append(f"# column {_quoted(item.column.name)}: left out; {'; '.join(map(_comment, item.doubts))}.\n")
            continue
        taken.append(name_of(item.column.name, taken))
        where = f"position = {place}" if item.column.name in twice else f"column = {_quoted(item.column.name)}"
        parts.append(_variable(taken[-1], where, item))
    if not taken:
        parts.append("[variables]                        # CHECK: no column looks like an answer or a number\n")
    return "\n".join(parts)


def _source_part(proposals: Sequence[Proposal], source: Source, title: str) -> str:
    ids = [item.column.name for item in proposals if any("an id?" in doubt for doubt in item.doubts)]
    lines = ["[source]", f"title = {_quoted(title):<27}# CHECK: which survey is this?"]
    if source.encoding:
        lines.append(f"encoding = {_quoted(source.encoding):<24}# CHECK: seen from the bytes")
        lines.append(f"delimiter = {_quoted(source.delimiter)}")
        lines.append(f"decimal = {_quoted(source.decimal)}")
    if source.table:
        lines.append(f"table = {_quoted(source.table)}")
    lines.append('sha256 = ""                        # filled by `wwm codebook lock`')
    lines.append(
        f"# id = {_quoted(ids[0] if ids else 'respondent'):<28}# CHECK: the column that names every respondent once"
    )
    return "\n".join(lines) + "\n"


def _survey_part(proposals: Sequence[Proposal]) -> str:
    weights = _perhaps([item.column.name for item in proposals if any("a weight" in doubt for doubt in item.doubts)])
    strata, units = (_perhaps(_named(proposals, mark)) for mark in (STRATUM, UNIT))
    return f"""\
[universe]                         # CHECK: whom is the study about? For example all = ["employed == 'yes'"]
all = []

[survey]
weight = ""                        # CHECK: empty means not weighted{weights and "; " + weights}
weight_kind = "sampling"
strata = ""                        # CHECK: empty means not stratified{strata and "; " + strata}
psu = ""                           # CHECK: empty means respondents are drawn one by one{units and "; " + units}
suppress_below = 10
"""


def _named(proposals: Sequence[Proposal], mark: re.Pattern[str]) -> list[str]:
    """Columns whose name or label says that they belong to the sampling design."""
    columns = [item.column for item in proposals]
    return [column.name for column in columns if mark.search(column.name) or mark.search(column.label)]


def _perhaps(names: Sequence[str]) -> str:
    return f"perhaps {_comment(', '.join(map(_quoted, names)))}" if names else ""


def _variable(name: str, where: str, item: Proposal) -> str:
    label = (item.column.label or item.column.name)[:LONGEST]
    lines = [f"[variables.{name}]", where, f'kind = "{item.kind}"']
    lines += [f"# CHECK: {_comment(doubt)}" for doubt in item.doubts]
    lines += [f"{lang} = {_quoted(label)}" for lang in ("nl", "en")]
    if item.empty:
        lines.append(f'empty = "no answer"                # {item.empty} rows are empty')
    common = Counter(entry.label for entry in (*item.levels, *item.missing) if entry.label)
    if item.missing:
        lines += ["missing = [", *(f"  {_missing_line(entry, common)}" for entry in item.missing), "]"]
    if item.kind != "number":
        ids = level_ids(item.levels)
        lines += ["levels = [", *map(_level_line, ids, item.levels, [common] * len(ids)), "]"]
    return "\n".join(lines) + "\n"


def _level_line(level: str, entry: Entry, common: Counter[str]) -> str:
    label = (entry.label or "".join(entry.text[:1]) or level)[:LONGEST]
    return f"  {{ id = {_quoted(level)}, {_contents(entry, common)}, nl = {_quoted(label)}, en = {_quoted(label)} }},  # {entry.rows} rows"


def _missing_line(entry: Entry, common: Counter[str]) -> str:
    value = plainly(entry.codes[0]) if entry.codes else entry.text[0]
    reason = entry.label[:LONGEST] or f"declared missing in the file ({value})"
    return f"{{ {_contents(entry, common)}, reason = {_quoted(reason)} }},  # {entry.rows} rows"


def _contents(entry: Entry, common: Counter[str]) -> str:
    """Name codes and texts; a label that two codes share does not tell them apart, and is left out."""
    parts = [f"codes = [{', '.join(map(plainly, entry.codes))}]"] if entry.codes else []
    texts = [entry.label] if entry.label and common[entry.label] == 1 else list(entry.text)
    if texts:
        parts.append(f"text = [{', '.join(map(_quoted, texts))}]")
    return ", ".join(parts)


def _quoted(text: str) -> str:
    """Give a text as a TOML string; what cannot be written as UTF-8 becomes a question mark."""
    clean = text.encode("utf-8", errors="replace").decode("utf-8")
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Give a text without line ends and control characters, so that it stays inside a comment."""
    clean = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(mark for mark in " ".join(clean.split()) if mark.isprintable())
