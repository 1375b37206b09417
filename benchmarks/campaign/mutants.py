"""Data files with one thing changed: values, structure, bytes; in six formats.

A mutation says what is known of its result: the rows are still legal (then the weighted shares are computed here from the rows, by plain sums, and have
to come out), they are not (then only a refusal will do), or neither can be said.
"""

from __future__ import annotations

import gzip
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyreadstat

import wwm_models as wwm
from benchmarks.campaign.judged import ACCEPTED, RIGHT, TRACEBACK, WRONG, Judged, ended
from benchmarks.campaign.study import AGES, CODEBOOK, WISHES, answers, shares

LEGAL, ILLEGAL, UNKNOWN = "legal", "illegal", "unknown"
FORMATS = ("csv", "csv", "csv", "csv", "tsv", "sav", "dta", "xlsx", "parquet")
Rows = dict[str, list[object]]
LABELS = {"home": {1: "alone", 2: "together", 9: "unknown"}, "wish": {1: "never", 2: "some", 3: "often"}}


@dataclass
class Mutant:
    """A file, and what is known of it.

    Attributes
    ----------
    rows : dict of column to cells
    kind : str
    known : {"legal", "illegal", "unknown"}
    header : mapping of column to the name in the file
    text : options of the text that is written
    after : function of bytes, or None
        Applied to what was written.
    """

    rows: Rows
    kind: str = ""
    known: str = LEGAL
    header: dict[str, str] = field(default_factory=dict)
    text: dict[str, object] = field(default_factory=dict)
    after: Callable[[bytes], bytes] | None = None
    suffix: str = ""


Change = Callable[[Mutant, random.Random], None]
CHANGES: list[tuple[Change, bool]] = []  # with whether it needs cells of text


def change(*, text_only: bool = False) -> Callable[[Change], Change]:
    """Register a mutation."""

    def register(function: Change) -> Change:
        CHANGES.append((function, text_only))
        return function

    return register


def _at(mutant: Mutant, rng: random.Random) -> int:
    return rng.randrange(len(mutant.rows["id"]))


@change()
def another_legal_answer(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["wish"][_at(mutant, rng)] = rng.choice([1, 2, 3])


@change()
def another_legal_weight(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["w"][_at(mutant, rng)] = rng.choice([0, 0.25, 1, 3.75, 1e-6])


@change()
def another_legal_age(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["age"][_at(mutant, rng)] = rng.choice([18, 34, 35, 49, 50, 64])


@change()
def rows_in_another_order(mutant: Mutant, rng: random.Random) -> None:
    order = list(range(len(mutant.rows["id"])))
    rng.shuffle(order)
    mutant.rows = {name: [cells[place] for place in order] for name, cells in mutant.rows.items()}


@change()
def columns_in_another_order(mutant: Mutant, rng: random.Random) -> None:
    names = list(mutant.rows)
    rng.shuffle(names)
    mutant.rows = {name: mutant.rows[name] for name in names}


@change()
def fewer_rows(mutant: Mutant, rng: random.Random) -> None:
    kept = sorted(rng.sample(range(len(mutant.rows["id"])), rng.randint(40, 79)))
    mutant.rows = {name: [cells[place] for place in kept] for name, cells in mutant.rows.items()}


@change()
def a_column_nobody_asks_for(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["extra"] = [rng.randint(0, 9) for _ in mutant.rows["id"]]


@change()
def an_unknown_code(mutant: Mutant, rng: random.Random) -> None:
    name = rng.choice(["wish", "home"])
    mutant.rows[name][_at(mutant, rng)] = rng.choice([0, 4, 7, 8, 97, 99, -1, -9, 1.5])
    mutant.known = ILLEGAL if mutant.rows[name] else UNKNOWN


@change()
def several_unknown_codes(mutant: Mutant, rng: random.Random) -> None:
    codes = rng.choice([(-99, -88), (97, 98, 99), (8, 9), (997, 999)])
    for code in codes:
        for _ in range(rng.randint(1, 6)):
            mutant.rows["wish"][_at(mutant, rng)] = code
    mutant.known = ILLEGAL


@change()
def a_negative_weight(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["w"][_at(mutant, rng)] = rng.choice([-1, -0.001, -99])
    mutant.known = ILLEGAL


@change()
def an_empty_weight(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["w"][_at(mutant, rng)] = None
    mutant.known = ILLEGAL


@change()
def an_empty_answer(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows[rng.choice(["wish", "home", "age"])][_at(mutant, rng)] = None
    mutant.known = UNKNOWN


@change()
def one_respondent_twice(mutant: Mutant, rng: random.Random) -> None:
    first, second = rng.sample(range(len(mutant.rows["id"])), 2)
    mutant.rows["id"][first] = mutant.rows["id"][second]
    mutant.known = ILLEGAL


@change()
def no_weight_at_all(mutant: Mutant, _: random.Random) -> None:
    mutant.rows["w"] = [0.0] * len(mutant.rows["w"])
    mutant.known = ILLEGAL


@change()
def an_age_outside(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["age"][_at(mutant, rng)] = rng.choice([17, 65, 70, 0, -1, 999, 34.5])
    mutant.known = UNKNOWN


@change()
def a_column_renamed(mutant: Mutant, rng: random.Random) -> None:
    name = rng.choice(["id", "w", "age", "home", "wish"])
    mutant.header[name] = rng.choice([f"{name}x", f"q_{name}"])
    mutant.known = ILLEGAL


@change()
def a_column_gone(mutant: Mutant, rng: random.Random) -> None:
    del mutant.rows[rng.choice(["id", "w", "age", "home", "wish"])]
    mutant.known = ILLEGAL


@change()
def everybody_answers_alike(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["wish"] = [rng.choice([1, 2, 3])] * len(mutant.rows["id"])


@change(text_only=True)
def words_for_numbers(mutant: Mutant, rng: random.Random) -> None:
    name = rng.choice(["w", "age"])
    mutant.rows[name][_at(mutant, rng)] = rng.choice(
        ["93.2%", "0,93", "abc", "1e400", "inf", "-inf", "1_000", "0x10", "twelve", "1;2", "$3", "--"]
    )
    mutant.known = ILLEGAL


@change(text_only=True)
def words_for_codes(mutant: Mutant, rng: random.Random) -> None:
    name = rng.choice(["wish", "home"])
    mutant.rows[name][_at(mutant, rng)] = rng.choice(
        ["often", "x", "1;2", "NA", "None", "nan", "Refused", "é", "\u202e1", "1 2"]
    )
    mutant.known = UNKNOWN if mutant.rows[name] in ("NA",) else ILLEGAL


@change(text_only=True)
def other_spellings_of_a_code(mutant: Mutant, rng: random.Random) -> None:
    mutant.rows["wish"][_at(mutant, rng)] = rng.choice([" 2", "2 ", "2.0", "02", "+2", "2.", "2e0", '"2"'])
    mutant.known = UNKNOWN


@change(text_only=True)
def a_mark_in_front(mutant: Mutant, _: random.Random) -> None:
    mutant.after = lambda content: b"\xef\xbb\xbf" + content


@change(text_only=True)
def windows_lines(mutant: Mutant, _: random.Random) -> None:
    mutant.text["lineterminator"] = "\r\n"


@change(text_only=True)
def everything_in_quotes(mutant: Mutant, _: random.Random) -> None:
    mutant.text["quoting"] = 1


@change(text_only=True)
def another_delimiter(mutant: Mutant, rng: random.Random) -> None:
    mutant.text["sep"] = rng.choice([";", "|", "\t", "  ", ":"])
    mutant.known = UNKNOWN


@change(text_only=True)
def compressed(mutant: Mutant, _: random.Random) -> None:
    mutant.after, mutant.suffix = gzip.compress, ".gz"


@change(text_only=True)
def a_field_too_many_or_few(mutant: Mutant, rng: random.Random) -> None:
    place, more = rng.randint(1, 60), rng.random() < 0.5

    def ragged(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[place] = (
            lines[place] + b",1" if more else lines[place].rpartition(b",")[0] or lines[place].rpartition(b"\t")[0]
        )
        return b"\n".join(lines)

    mutant.after, mutant.known = ragged, UNKNOWN


@change(text_only=True)
def one_column_name_twice(mutant: Mutant, rng: random.Random) -> None:
    first, second = rng.sample(["id", "w", "age", "home", "wish"], 2)
    mutant.header[first] = second
    mutant.known = ILLEGAL


@change(text_only=True)
def bytes_of_another_encoding(mutant: Mutant, rng: random.Random) -> None:
    extra = rng.choice([b"caf\xe9", b"\x00", b"\xff\xfe", b"\x80\x81", b"\x1b[2J"])

    def spoiled(content: bytes) -> bytes:
        place = rng.randrange(len(content))
        return content[:place] + extra + content[place:]

    mutant.after, mutant.known = spoiled, UNKNOWN


@change()
def cut_off(mutant: Mutant, rng: random.Random) -> None:
    share = rng.random()
    mutant.after, mutant.known = lambda content: content[: int(share * len(content))], UNKNOWN


@change()
def a_bit_flipped(mutant: Mutant, rng: random.Random) -> None:
    where, bit, times = rng.random(), rng.randrange(8), rng.choice([1, 1, 20])

    def flipped(content: bytes) -> bytes:
        spoiled = bytearray(content)
        for step in range(times):
            spoiled[(int(where * len(content)) + step * 17) % len(content)] ^= 1 << bit
        return bytes(spoiled)

    mutant.after, mutant.known = flipped, UNKNOWN


@change()
def nothing_in_it(mutant: Mutant, _: random.Random) -> None:
    mutant.after, mutant.known = lambda _: b"", ILLEGAL


@change()
def no_rows(mutant: Mutant, _: random.Random) -> None:
    mutant.rows = {name: [] for name in mutant.rows}
    mutant.known = ILLEGAL


def write(mutant: Mutant, form: str, folder: Path) -> Path:
    """Write the file of a mutant."""
    table = pd.DataFrame(
        {
            name: pd.Series(cells, dtype=object if form in ("csv", "tsv") else None)
            for name, cells in mutant.rows.items()
        }
    )
    table.columns = [mutant.header.get(name, name) for name in table.columns]
    path = folder / f"data.{form}{mutant.suffix}"
    plain = folder / f"data.{form}"
    if form in ("csv", "tsv"):
        how = {"sep": "," if form == "csv" else "\t", "lineterminator": "\n", **mutant.text}
        separator = str(how.pop("sep"))
        if len(separator) > 1:
            plain.write_bytes(table.to_csv(index=False, sep="\x01").replace("\x01", separator).encode())
        else:
            plain.write_bytes(table.to_csv(index=False, sep=separator, **how).encode("utf-8"))
    elif form == "xlsx":
        table.to_excel(plain, index=False)
    elif form == "parquet":
        table.to_parquet(plain)
    else:
        labels = {mutant.header.get(name, name): known for name, known in LABELS.items() if name in mutant.rows}
        writer = pyreadstat.write_sav if form == "sav" else pyreadstat.write_dta
        writer(table, str(plain), variable_value_labels=labels)
    if mutant.after is not None:
        content = mutant.after(plain.read_bytes())
        plain.unlink()
        path.write_bytes(content)
    return path


def _read(mutant: Mutant, path: Path, book: Path) -> str:
    survey = wwm.read_survey(path, codebook=book)
    table = wwm.raw(survey, "wish", "age_group").table
    if mutant.known == ILLEGAL:
        return WRONG
    if mutant.known == UNKNOWN:
        return ACCEPTED
    truth = shares(mutant.rows)
    for group, answer, estimate in zip(table["age_group"], table["category"], table["estimate"], strict=True):
        expected = truth[str(group), str(answer)]
        if not (
            math.isclose(expected, estimate, rel_tol=0, abs_tol=1e-9) or (math.isnan(expected) and math.isnan(estimate))
        ):
            return WRONG
    return RIGHT if len(table) == len(AGES) * len(WISHES) else WRONG


def run(judged: Judged, count: int, seed: int, folder: Path) -> None:
    """Judge `count` data files."""
    book = folder / "codebook.toml"
    book.write_text(CODEBOOK, encoding="utf-8")
    for number in range(count):
        rng = random.Random(f"{seed}-data-{number}")
        form = FORMATS[number % len(FORMATS)]
        of_form = [function for function, text_only in CHANGES if not text_only or form in ("csv", "tsv")]
        function = of_form[rng.randrange(len(of_form))]
        mutant = Mutant({name: list(cells) for name, cells in answers(80, rng.randrange(1000)).items()})
        function(mutant, rng)
        kind = f"{'text' if form in ('csv', 'tsv') else form}: {function.__name__.replace('_', ' ')}"
        try:
            path = write(mutant, form, folder)
        except Exception as problem:  # what a format cannot hold is no mutant of it
            judged.add("not written", kind, ACCEPTED, str(problem))
            continue
        column, what = ended(lambda mutant=mutant, path=path: _read(mutant, path, book))
        if column == "clear error" and mutant.known == LEGAL:
            column, what = WRONG, "legal rows were refused"
        judged.add("data files", kind, column, f"case {number} ({form}): {what}")
        path.unlink(missing_ok=True)
        if column == TRACEBACK and len(judged.faults) > 400:
            return
