"""A commented codebook in TOML from the columns of a file; it is valid as it stands, and a person finishes it.

`propose` says what a column seems to be: answers, a number, or something to leave out. Facts come from the file, doubts are written down.
`draft_codebook` writes it.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import Cell, RawColumn, RawFile, plainly, squeezed, within
from wwm_models.survey.formats.columnar import data_name
from wwm_models.survey.formats.text import likely
from wwm_models.survey.frames import RESERVED_COLUMNS
from wwm_models.survey.recode_values import suspicious
from wwm_models.toml_tables import LONGEST, repeated

MOST_ANSWERS: Final = 40  # a column with more distinct texts than this is free text
FEW_CODES: Final = 12  # whole numbers that may be codes
_SIGNS: Final = (
    (r"\+", " plus "),
    (r"<=|≤", " at most "),
    (r">=|≥", " at least "),
    ("<", " under "),
    (">", " over "),
    (r"(?<![\w.])[-−](?=\d)", " minus "),
    ("%", " percent "),
)
_WEIGHT: Final = re.compile(r"weight|weeg|weging|gewicht|pondera|wgt|^wt?[0-9_]*$|^wt|_wt$", re.IGNORECASE)
STRATUM: Final = re.compile(r"\bstrat(um|a|ums)\b|^v?strat(um|a)?(_?id)?[0-9]*$", re.IGNORECASE)
UNIT: Final = re.compile(r"\b(primary|variance|first[- ]stage) sampling (unit|psu)|\bpsu\b|^v?psu", re.IGNORECASE)

# at the head of an answer, before anything else that it says
_REFUSAL: Final = re.compile(
    r"(refus(ed|al)|prefer(red)? not to|rather not|(i )?(do not|don'?t|did not|didn'?t|does not|doesn'?t) know|no (answer|response|reply)|"
    r"not (answered|applicable|stated|ascertained|asked|available|reported|provided)|inapplicable|declined|non-?response|"
    r"(ik )?weet (ik )?(het )?niet|geen (antwoord|opgave|reactie)|(ik )?(wil|wilde) (ik )?(dat |het )?(liever )?niet (zeggen|antwoorden)|"
    r"(zeg )?(ik )?liever niet|weiger(t|de|ing)|geweigerd|niet (van toepassing|gevraagd|ingevuld|bekend|beantwoord)|"
    r"keine (angabe|antwort)|wei(ß|ss) nicht|trifft nicht zu|(sans|pas de|non) r[eé]ponse|ne sa(it|is) pas)(?![a-z])"
)
# these words may begin an answer that is one
_WHOLE_REFUSAL: Final = re.compile(
    r"refus(e|es)?|dk|rf|dk ?/ ?(na|nr|rf|ref)|n ?/ ?a|n\.? ?a|nan|null|nil|missing|system missing|unknown|skip(ped)?|inap|iap|undisclosed|"
    r"n\.? ?v\.? ?t|wn|w\.n|onbekend|ontbreekt|ontbrekend|k\.? ?a|unbekannt|inconnu"
)

Kind = Literal["ordered", "nominal", "number", "left out"]


@dataclass(frozen=True)
class CellContents:
    """Contents of cells that belong together: codes or texts, the label in the file, and how many rows have them."""

    codes: tuple[float, ...]
    text: tuple[str, ...]
    label: str
    rows: int


@dataclass(frozen=True)
class Proposal:
    """One column as it may stand in a codebook.

    Attributes
    ----------
    kind : {"ordered", "nominal", "number", "left out"}
    levels, missing : tuples of CellContents
    empty : int
        Rows with an empty cell.
    doubts : tuple of str
        Sentences a person should read.
    """

    column: RawColumn
    kind: Kind
    levels: tuple[CellContents, ...]
    missing: tuple[CellContents, ...]
    empty: int
    doubts: tuple[str, ...]


def propose(column: RawColumn) -> Proposal:
    """Give what a column seems to be."""
    rows = np.bincount(column.index, minlength=len(column.cells))
    counted = [(cell, int(count)) for cell, count in zip(column.cells, rows, strict=True)]
    empty = sum(count for cell, count in counted if not cell.text)
    known = [(cell, count) for cell, count in counted if cell.text and not cell.user_missing]
    missing = _missing(column, counted)
    answered = [(cell, count) for cell, count in known if not refuses(cell.label or cell.text)]
    kind, doubts = _kind(column, answered or known)
    levels, refused = _without_refusals(_levels(column, known))
    if kind == "number":
        missing, doubts = (*missing, *refused), (*doubts, *_taken_for_missing(refused), *_number_doubts(answered))
    if kind in ("number", "left out"):
        return Proposal(column, kind, (), missing, empty, doubts)
    doubts += _taken_for_missing(refused) or _perhaps_missing(levels)
    missing = (*missing, *refused)
    labelled = {code for entry in levels for code in entry.codes if entry.label}
    if column.labels:
        bare = [entry for entry in levels if entry.codes and not entry.label]
        doubts += tuple(
            f'{plainly(entry.codes[0])} (n = {entry.rows}) has no label: a level, or `missing = [{{ codes = [{plainly(entry.codes[0])}], reason = "..." }}]`'
            for entry in bare
        )
        levels = tuple(entry for entry in levels if not entry.codes or labelled.issuperset(entry.codes))
    if len(levels) < 2:
        return Proposal(column, "left out", (), missing, empty, ("fewer than two answers",))
    return Proposal(column, kind, levels, missing, empty, doubts)


def _without_refusals(levels: tuple[CellContents, ...]) -> tuple[tuple[CellContents, ...], tuple[CellContents, ...]]:
    """Part answers from refusals by their words; a column of one answer and refusals keeps them all."""
    refused = tuple(entry for entry in levels if refuses(entry.label or "".join(entry.text[:1])))
    rest = tuple(entry for entry in levels if entry not in refused)
    if len(rest) < 2:
        return levels, ()
    return rest, tuple(replace(entry, label=entry.label or "".join(entry.text[:1])) for entry in refused)


def _taken_for_missing(refused: Sequence[CellContents]) -> tuple[str, ...]:
    return tuple(
        f"{' '.join([*map(plainly, entry.codes), entry.label])} (n = {entry.rows}) is taken for no answer: if it is one, move it to levels"
        for entry in refused
    )


def _perhaps_missing(levels: Sequence[CellContents]) -> tuple[str, ...]:
    found = (entry.label or "".join(entry.text[:1]) for entry in levels)
    return tuple(f"{text} may be no answer: if so, move it to missing" for text in found if refuses(text))


def refuses(text: str) -> bool:
    """Say whether the words of an answer say that there is none, in English, Dutch, German or French.

    Examples
    --------
    >>> [refuses(text) for text in ("Refused", "(Don't know)", "NA", "n.v.t.", "Weet niet", "wil ik niet zeggen", "No opinion", "Namur")]
    [True, True, True, True, True, True, False, False]
    """
    plain = " ".join(text.casefold().replace("\u2019", "'").split()).strip("()[]<>*-. ")
    return bool(_WHOLE_REFUSAL.fullmatch(plain) or _REFUSAL.match(plain))


def name_of(column: str, taken: Sequence[str]) -> str:
    """Give a name for a variable: letters, digits and underscores, not used before and no column of our tables.

    Examples
    --------
    >>> name_of("Hoe vaak thuis?", []), name_of("1e keer", ["x"]), name_of("v1", ["v1"]), name_of("level", [])
    ('hoe_vaak_thuis', 'v_1e_keer', 'v1_2', 'v_level')
    """
    plain = slug(column) or "column"
    if plain[0].isdigit() or keyword.iskeyword(plain) or plain in RESERVED_COLUMNS:
        plain = f"v_{plain}"
    return _unused(plain, taken)


def slug(text: str) -> str:
    """Give a short name in plain letters.

    Examples
    --------
    >>> slug("  Één of twee dagen! ")
    'een_of_twee_dagen'
    """
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:40].rstrip("_")


def level_ids(levels: Sequence[CellContents]) -> list[str]:
    """Give every level an id of its own, made of its label, its text or its code."""
    ids: list[str] = []
    for entry in levels:
        code = f"code_{plainly(entry.codes[0])}" if entry.codes else "answer"
        ids.append(_unused(slug(_with_words(entry.label or "".join(entry.text[:1]))) or slug(code), ids))
    return ids


def _with_words(text: str) -> str:
    """Write signs that carry the meaning of an answer as words, which an id keeps.

    Examples
    --------
    >>> [slug(_with_words(text)) for text in ("65+", "<18", "> 40", "-5", "50%", "18-34")]
    ['65_plus', 'under_18', 'over_40', 'minus_5', '50_percent', '18_34']
    """
    for sign, word in _SIGNS:
        text = re.sub(sign, word, text)
    return text


def _unused(name: str, taken: Sequence[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _kind(column: RawColumn, known: list[tuple[Cell, int]]) -> tuple[Kind, tuple[str, ...]]:
    """Say what the known cells are, and why a person should look."""
    answers = {value for value in column.labels if not within(value, column.missing)}
    numbers = [cell for cell, _ in known if not np.isnan(cell.number)]
    bare = [cell for cell in numbers if cell.number not in answers]
    if answers and len(bare) <= max(len(answers), 3):
        if column.measure == "ordinal":
            return "ordered", ("the order is that of the codes: lowest first",)
        if column.measure == "nominal":
            return "nominal", ()
        return "nominal", ('if these answers have an order, write "ordered" and put the lowest first',)
    rows = sum(count for _, count in known)
    if not known:
        return "left out", ("no row has a value",)
    if len(numbers) == len(known):
        return _number_kind(column, numbers, rows)
    texts = len(known) - len(numbers)
    if texts <= 3 < len(numbers):
        return "number", (f"{texts} contents are no numbers: declare them missing",)
    if len(known) > MOST_ANSWERS or (len(known) > 5 and len(known) > rows / 2):
        return "left out", (f"free text: {len(known)} different contents in {rows} rows",)
    return "nominal", ('if these answers have an order, write "ordered" and put the lowest first',)


def _number_kind(column: RawColumn, numbers: list[Cell], rows: int) -> tuple[Kind, tuple[str, ...]]:
    whole = all(cell.number.is_integer() for cell in numbers)
    if whole and len(numbers) == rows > FEW_CODES:
        return "left out", ("a different whole number in every row: an id? Then name it in [source]",)
    many = not whole or len(numbers) > FEW_CODES
    if _WEIGHT.search(column.name) and many and min(cell.number for cell in numbers) >= 0:
        return "left out", ("looks like a weight. Then name it in [survey]",)
    if whole and len(numbers) <= FEW_CODES and column.measure in ("nominal", "ordinal"):
        return ("ordered" if column.measure == "ordinal" else "nominal"), ("the codes have no labels in the file",)
    if whole and len(numbers) <= FEW_CODES:
        return "number", (f"{len(numbers)} different whole numbers: if they are codes of answers, declare levels",)
    return "number", ()


def _number_doubts(known: list[tuple[Cell, int]]) -> list[str]:
    values = np.array([cell.number for cell, _ in known])
    strange = {float(value) for value in suspicious(values)}
    return [
        f"{cell.text}{f' ({cell.label})' if cell.label else ''} (n = {count}) stands apart: declare it missing, or give a minimum and maximum"
        for cell, count in known
        if cell.number in strange
    ] + [
        f"{cell.text} means {cell.label} (n = {count})"
        for cell, count in known
        if cell.label and cell.number not in strange
    ]


def _levels(column: RawColumn, known: list[tuple[Cell, int]]) -> tuple[CellContents, ...]:
    """Give the answers: numbers with their labels in order, then texts; also labelled answers that nobody gave."""
    counts: dict[float | str, int] = {value: 0 for value in column.labels if not within(value, column.missing)}
    for cell, count in known:
        value = cell.text if np.isnan(cell.number) else cell.number
        counts[value] = counts.get(value, 0) + count
    ordered = sorted(counts, key=lambda value: (isinstance(value, str), value))
    return _same_words([_entry(value, column.labels.get(value, ""), counts[value]) for value in ordered])


def _same_words(entries: Sequence[CellContents]) -> tuple[CellContents, ...]:
    """Join texts that differ only in capitals or white space: they are one answer."""
    found: dict[object, CellContents] = {}
    for place, entry in enumerate(entries):
        plain = squeezed(entry.text[0]) if entry.text and not entry.label else ""
        former = found.get(plain) if plain else None
        found[plain or place] = (
            replace(former, text=(*former.text, *entry.text), rows=former.rows + entry.rows) if former else entry
        )
    return tuple(found.values())


def _missing(column: RawColumn, counted: list[tuple[Cell, int]]) -> tuple[CellContents, ...]:
    """Give what the file declares missing, whether somebody has it or it only has a label."""
    counts: dict[float | str, int] = {value: 0 for value in column.labels if within(value, column.missing)}
    for cell, count in counted:
        if cell.user_missing:
            value = cell.text if np.isnan(cell.number) else cell.number
            counts[value] = counts.get(value, 0) + count
    ordered = sorted(counts, key=lambda value: (isinstance(value, str), value))
    return tuple(_entry(value, column.labels.get(value, ""), counts[value]) for value in ordered)


def _entry(value: float | str, label: str, rows: int) -> CellContents:
    return (
        CellContents((), (value,), label, rows) if isinstance(value, str) else CellContents((value,), (), label, rows)
    )


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
    twice = set(repeated(column.name for column in file.columns))
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
    common = Counter(squeezed(entry.label) for entry in (*item.levels, *item.missing) if entry.label)
    if item.missing:
        lines += ["missing = [", *(f"  {_missing_line(entry, common)}" for entry in item.missing), "]"]
    if item.kind != "number":
        ids = level_ids(item.levels)
        lines += ["levels = [", *map(_level_line, ids, item.levels, [common] * len(ids)), "]"]
    return "\n".join(lines) + "\n"


def _level_line(level: str, entry: CellContents, common: Counter[str]) -> str:
    label = (entry.label or "".join(entry.text[:1]) or level)[:LONGEST]
    return f"  {{ id = {_quoted(level)}, {_contents(entry, common)}, nl = {_quoted(label)}, en = {_quoted(label)} }},  # {entry.rows} rows"


def _missing_line(entry: CellContents, common: Counter[str]) -> str:
    value = plainly(entry.codes[0]) if entry.codes else entry.text[0]
    reason = entry.label[:LONGEST] or f"declared missing in the file ({value})"
    return f"{{ {_contents(entry, common)}, reason = {_quoted(reason)} }},  # {entry.rows} rows"


def _contents(entry: CellContents, common: Counter[str]) -> str:
    """Name codes and texts; a label that two codes share does not tell them apart, and is left out."""
    parts = [f"codes = [{', '.join(map(plainly, entry.codes))}]"] if entry.codes else []
    texts = [entry.label] if entry.label and common[squeezed(entry.label)] == 1 else list(entry.text)
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
