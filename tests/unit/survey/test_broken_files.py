"""Thousands of broken files: an error a user can act on, or a result; never a traceback, a hang or a changed source file.

Every mutant is made from a small good file of its format by one to four changes of its bytes, or, for text, of its structure:
cut off, rows or columns doubled or lost, quotes, other encodings, labels that do not fit, mixed types, huge or negative
weights. The generator is seeded, so that a failure can be made again from its number.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import signal
import zipfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wwm_models.errors import WwmError
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.databases.counts import read_counts
from wwm_models.survey.ddi import read_ddi
from wwm_models.survey.draft import draft_codebook, source_of
from wwm_models.survey.formats import excel as sheet_reader
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.read import read_survey, survey_of

HERE = Path(__file__).parent
SECONDS = 20  # for one mutant; a good file takes milliseconds
_spec = importlib.util.spec_from_file_location("formats", HERE / "formats.py")
assert _spec is not None
assert _spec.loader is not None
formats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)

MUTANTS = {
    ".csv": 3600, ".tsv": 300, ".sav": 150, ".zsav": 50, ".dta": 120, ".por": 50, ".sas7bdat": 50, ".xlsx": 80,
    ".parquet": 300, ".duckdb": 10, ".csv.gz": 100, ".csv.bz2": 50, ".csv.xz": 50, ".csv.zip": 100,
}  # fmt: skip
CODEBOOKS, DESCRIPTIONS, DRAFTS = 400, 200, 90
COUNTED = {".csv": 40, ".parquet": 20, ".duckdb": 5}  # of those above, counted in place too
Mutation = Callable[[bytes, np.random.Generator], bytes]


def test_there_are_five_thousand_of_them():
    assert sum(MUTANTS.values()) + CODEBOOKS + DESCRIPTIONS + DRAFTS >= 5000


@pytest.fixture(autouse=True)
def no_hang() -> Generator[None]:
    """A mutant that does not come back is a failure, not a stopped run."""

    def stop(*_: Any) -> None:
        raise AssertionError(f"one mutant took more than {SECONDS} seconds")

    former = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a good file of every format."""
    folder = tmp_path_factory.mktemp("good")
    made: dict[str, bytes] = {}
    for ending, write in formats.WRITERS.items():
        write(folder / f"data{ending}")
        made[ending] = (folder / f"data{ending}").read_bytes()
    for packing, path in formats.packed(folder / "data.csv").items():
        made[f".csv{packing}"] = path.read_bytes()
    made[".sas7bdat"] = gzip.decompress((HERE / "files" / "haven.sas7bdat.gz").read_bytes())
    return made


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Codebook:
    path = tmp_path_factory.mktemp("book") / "codebook.toml"
    path.write_text(formats.CODEBOOK, encoding="utf-8")
    return read_codebook(path)


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    broken = bytearray(data)
    for place in rng.integers(0, max(len(data), 1), int(rng.integers(1, 5))):
        broken[place : place + 1] = bytes([int(rng.integers(0, 256))])
    return bytes(broken)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))]


def lose(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    return data[:start] + data[start + int(rng.integers(1, 40)) :]


def double(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    part = data[start : start + int(rng.integers(1, 200))]
    return data[:start] + part * int(rng.integers(2, 5)) + data[start:]


def extreme(data: bytes, rng: np.random.Generator) -> bytes:
    """Four or eight bytes that a header may read as a length: all ones, huge, negative."""
    start = int(rng.integers(0, len(data)))
    part = [b"\xff" * 4, b"\x7f" + b"\xff" * 7, b"\x00" * 8, b"\xff\xff\xff\x7f"][int(rng.integers(0, 4))]
    return data[:start] + part + data[start + len(part) :]


def cell(data: bytes, rng: np.random.Generator) -> bytes:
    """Another content in one cell of a text."""
    rows = [row.split(b",") for row in data.splitlines()]
    row = rows[int(rng.integers(0, len(rows)))]
    row[int(rng.integers(0, len(row)))] = STRANGE[int(rng.integers(0, len(STRANGE)))]
    return b"\n".join(b",".join(row) for row in rows) + b"\n"


def columns(data: bytes, rng: np.random.Generator) -> bytes:
    """A column twice, lost, or in another place."""
    rows = [row.split(b",") for row in data.splitlines()]
    width = len(rows[0])
    order = list(rng.permutation(width))[: int(rng.integers(1, width + 1))] + list(
        rng.integers(0, width, int(rng.integers(0, 3)))
    )
    return b"\n".join(b",".join(row[k] for k in order if k < len(row)) for row in rows) + b"\n"


def lines(data: bytes, rng: np.random.Generator) -> bytes:
    """Rows twice, lost, or in another order, and other ends of lines."""
    rows = data.splitlines()
    kept = [rows[k] for k in rng.integers(0, len(rows), int(rng.integers(0, 2 * len(rows))))]
    end = [b"\n", b"\r\n", b"\r", b"\n\n", b";"][int(rng.integers(0, 5))]
    return end.join(kept)


def encoded(data: bytes, rng: np.random.Generator) -> bytes:
    """The text in another encoding than the codebook says."""
    text = data.decode("utf-8").replace("Breda", "Bré\u20acda")
    encoding = ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "cp037"][int(rng.integers(0, 6))]
    return text.encode(encoding, errors="replace")


STRANGE = [
    b"", b"-1", b"1e9", b"1e999", b"-0", b"nan", b"inf", b"None", b"NA", b'"', b'"a', b'a"b', b"\x00", b"\xff", b"\xe9", b"7", b"97", b"999",
    b"=cmd|' /C calc'!A0", b"1_000", b"0x10", "\u0661".encode(), b"1,5", b"  1 ", b"never", b"Never ", b"9" * 400, b"x" * 200_000, b"\t", b";",
]  # fmt: skip
BYTES: list[Mutation] = [flip, cut, lose, double, extreme]
TEXT: list[Mutation] = [*BYTES, cell, cell, cell, columns, lines, encoded]


def mutant(data: bytes, mutations: list[Mutation], rng: np.random.Generator) -> bytes:
    for _ in range(int(rng.integers(1, 3))):
        if not data:
            break
        try:
            data = mutations[int(rng.integers(0, len(mutations)))](data, rng)
        except (UnicodeDecodeError, IndexError):  # a change that the former change has made impossible
            continue
    return data


def survives(path: Path, data: bytes, use: Callable[[], object]) -> None:
    """Run `use` on a file with these bytes: a result or a WwmError with a whole message, and the bytes as they were."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        use()
    except WwmError as problem:
        text = str(problem)
        assert len(text) > 30, text
        assert ". " in text, text  # more than one sentence: what was found, and what to do
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(data).digest()


@pytest.mark.slow
@pytest.mark.parametrize("ending", MUTANTS)
def test_broken_data_files(tmp_path: Path, good: dict[str, bytes], book: Codebook, ending: str):
    path = tmp_path / f"data{ending}"
    mutations = TEXT if ending in (".csv", ".tsv") else BYTES

    def read(path: Path) -> object:
        file = read_file(path, book.source)
        return file if ending == ".sas7bdat" else survey_of(file, book)  # that file is of other variables

    for number in range(MUTANTS[ending]):
        data = mutant(good[ending], mutations, np.random.default_rng([number, len(ending)]))
        survives(path, data, lambda: read(path))


@pytest.mark.parametrize("ending", COUNTED)
def test_broken_files_are_refused_or_counted_as_they_are_read(tmp_path: Path, good: dict[str, bytes], ending: str):
    """Where the reader refuses a text the engine does, and where both accept a file they count the same respondents.

    Arrow and DuckDB look at different parts of a damaged parquet file, so one of them may refuse what the other still reads.
    """
    path, book = tmp_path / f"data{ending}", tmp_path / "codebook.toml"
    book.write_text(formats.CODEBOOK, encoding="utf-8")
    accepted = 0

    def both() -> None:
        nonlocal accepted
        try:
            whole = read_survey(path, book)
        except WwmError:
            with pytest.raises(WwmError) if ending == ".csv" else contextlib.suppress(WwmError):
                read_counts(path, book, ["often", "town", "age"])
            raise
        counted = read_counts(path, book, ["often", "town", "age"])
        assert counted.accounting["rows"].tolist() == whole.accounting["rows"].tolist()
        np.testing.assert_allclose(counted.weights.sum(), whole.weights.sum(), rtol=1e-12)
        accepted += 1

    survives(path, good[ending], both)
    for number in range(COUNTED[ending]):
        data = mutant(good[ending], TEXT if ending == ".csv" else BYTES, np.random.default_rng([number, len(ending)]))
        survives(path, data, both)
    assert accepted >= 1


def test_broken_codebooks(tmp_path: Path):
    path = tmp_path / "codebook.toml"
    source = formats.CODEBOOK.encode()
    for number in range(CODEBOOKS):
        survives(path, mutant(source, BYTES, np.random.default_rng(number)), lambda: read_codebook(path))


def test_broken_descriptions(tmp_path: Path):
    path = tmp_path / "ddi.xml"
    source = (
        b'<?xml version="1.0"?><codeBook xmlns="ddi:codebook:2_5"><dataDscr><var name="v1" nature="ordinal"><labl>x</labl>'
        b'<invalrng><range min="8" max="9"/></invalrng><catgry missing="Y"><catValu>1</catValu><labl>a</labl></catgry></var></dataDscr></codeBook>'
    )
    for number in range(DESCRIPTIONS):
        survives(path, mutant(source, BYTES, np.random.default_rng(number)), lambda: read_ddi(path))


@pytest.mark.parametrize("ending", [".csv", ".sav", ".dta"])
def test_drafts_of_broken_files_are_codebooks(tmp_path: Path, good: dict[str, bytes], ending: str):
    """Whatever can be read can be drafted, and the draft is a codebook."""
    path, book = tmp_path / f"data{ending}", tmp_path / "codebook.toml"

    def drafted() -> None:
        source = source_of(path)
        book.write_text(draft_codebook(read_file(path, source), source), encoding="utf-8")
        read_codebook(book)

    for number in range(DRAFTS // 3):
        data = mutant(good[ending], TEXT if ending == ".csv" else BYTES, np.random.default_rng([7, number]))
        survives(path, data, drafted)


@pytest.mark.slow
def test_bombs_in_a_workbook(tmp_path: Path, good: dict[str, bytes], book: Codebook, monkeypatch: pytest.MonkeyPatch):
    """Entities that grow, a part that unpacks to 40 MB, a cell in the last column of every row, and a last row far below."""
    monkeypatch.setattr(sheet_reader, "MOST_ROWS", 1 << 14)
    monkeypatch.setattr(sheet_reader, "MOST_CELLS", 10_000_000)
    path = tmp_path / "data.xlsx"
    path.write_bytes(good[".xlsx"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (k, k) for k in range(1, 1000))
    wide = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + rows
        + b"</sheetData></worksheet>"
    )
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="99999999999"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    for broken in (entity, bytes(40 << 20), wide, far):
        made = tmp_path / "made.xlsx"
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {**parts, sheet: broken}.items():
                archive.writestr(name, content)
        with pytest.raises(WwmError):
            survives_or_raises(path, made.read_bytes(), lambda: read_file(path, book.source))


def survives_or_raises(path: Path, data: bytes, use: Callable[[], object]) -> None:
    """Like `survives`, for files that must be refused."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        use()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert path.read_bytes() == data
