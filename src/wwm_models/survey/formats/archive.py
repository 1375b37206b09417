"""A data file ready to be read: found, hashed, held to its lock, unpacked, and known to fit in memory.

Compressed files are unpacked under limits (`unpacked`). How much memory a file will need is known before it is read; what does not fit is refused
with these numbers (`refuse_large`). `refuse_other_format` says what the first bytes of a file are where its name says something else.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import tempfile
import zipfile
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from wwm_models.errors import SurveyError, TooLargeError, WwmError, listed

CHUNK: Final = 1 << 20
MOST_UNPACKED: Final = 64 << 30  # bytes; more than any survey, less than what would fill a disk
FREE_BYTES: Final = 16 << 20  # below this no ratio is suspicious
MOST_RATIO: Final = 200  # repetitive survey text packs about 50 to 1; bombs pack 1000 to 1
MOST_MEMBERS: Final = 10_000


@dataclass(frozen=True)
class Unpacked:
    """A file that a reader can open.

    Attributes
    ----------
    path : Path
        As the user gave it; for messages.
    file : Path
        What to open: the same, or a private unpacked copy.
    ending : str
        Lower case, with its dot, of the unpacked file.
    sha256 : str
        Of the file as given.
    """

    path: Path
    file: Path
    ending: str
    sha256: str

    @property
    def bytes(self) -> int:
        """Size of the unpacked file."""
        return self.file.stat().st_size


@contextlib.contextmanager
def unpacked(path: Path, locked: str, endings: Collection[str]) -> Generator[Unpacked]:
    """Give the file ready to be read; a private copy of a compressed one is removed afterwards.

    Parameters
    ----------
    path : Path
    locked : str
        The SHA-256 the file must have; empty for any.
    endings : collection of str
        Those there is a reader for.

    Raises
    ------
    SurveyError
        If the file is absent, empty, of an unknown type, not the locked one, damaged or unreasonably large.
    """
    _refuse_absent(path, endings)
    packing = path.suffix.lower() if path.suffix.lower() in PACKINGS else ""
    if not packing:
        _refuse_unknown(path, path.suffix, endings)
    try:
        sha256 = hash_of(path)
        empty = path.stat().st_size == 0
    except OSError as problem:
        raise SurveyError(
            f"{path}: the file cannot be opened: {problem.strerror}. Expected a file you may read. Repair its permissions."
        ) from None
    if locked and sha256 != locked.lower():
        raise SurveyError(
            f"{path}: the file has SHA-256 {sha256}, the codebook is locked to {locked}. Expected the file the "
            "codebook was made for. Give that file, or, if the change is meant, run `wwm codebook lock` again."
        )
    if empty:
        raise SurveyError(f"{path}: the file is empty. Expected a header and at least one row. Give the right file.")
    if not packing:
        yield Unpacked(path, path, path.suffix.lower(), sha256)
        return
    with tempfile.TemporaryDirectory(prefix="wwm-") as folder:
        file, ending = _unpack(path, packing, Path(folder), endings)
        yield Unpacked(path, file, ending, sha256)


def hash_of(path: Path) -> str:
    """Give the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_bomb(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive with too many members, or one that would become unreasonably large."""
    members, packed = archive.infolist(), path.stat().st_size
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise SurveyError(
            f"{path}: the archive has {len(members)} members. Expected at most {MOST_MEMBERS}. Give the data file itself."
        )
    _refuse_size(path, total, packed)


def _refuse_absent(path: Path, endings: Collection[str]) -> None:
    if path.is_file():
        return
    if path.is_dir():
        inside = sorted(item.name for item in path.iterdir() if item.suffix.lower() in (*endings, *PACKINGS))
        raise SurveyError(
            f"{path}: this is a folder, with {listed(inside) if inside else 'no data file in it'}. Expected one survey file. "
            "Give the path of that file; a folder of parquet files can be counted in place."
        )
    # names are compared, not matched: an ending may hold what a pattern would read as more
    found = path.parent.iterdir() if path.parent.is_dir() else ()
    beside = sorted(item.name for item in found if item.name.endswith(path.suffix))
    have = (
        f"{path.parent} holds {listed(beside)}." if beside else f"{path.parent} holds no {path.suffix or 'such'} file."
    )
    raise SurveyError(f"{path}: there is no such data file. {have} Expected a survey file. Repair the path.")


def _refuse_unknown(path: Path, ending: str, endings: Collection[str]) -> None:
    if ending.lower() in endings:
        return
    raise SurveyError(
        f'{path}: files of type "{ending}" cannot be read. Expected one of {listed(endings, most=20)}, also followed by '
        f"{listed(PACKINGS)}. Save the data as a text file with a header, or as an SPSS file."
    )


def _refuse_size(path: Path, size: int, packed: int) -> None:
    if size > MOST_UNPACKED or (size > FREE_BYTES and size > MOST_RATIO * packed):
        raise SurveyError(
            f"{path}: {packed:,} bytes unpack to {size:,} or more. Expected at most {MOST_RATIO} times as many, and at "
            f"most {MOST_UNPACKED:,}: such a file is not a survey. Unpack it yourself if you trust it."
        )


def _unpack(path: Path, packing: str, folder: Path, endings: Collection[str]) -> tuple[Path, str]:
    """Write the content of a compressed file into a folder; the name of its member is never used as a path."""
    try:
        with PACKINGS[packing](path) as (stream, name):
            ending = Path(name).suffix
            _refuse_unknown(path, ending, endings)
            file = folder / f"data{ending.lower()}"
            _copy(path, stream, file)
    except WwmError:
        raise
    except Exception as problem:  # zlib, bz2, lzma and zipfile raise a dozen kinds on damaged bytes
        raise SurveyError(
            f"{path}: the compressed file cannot be unpacked: {str(problem) or type(problem).__name__}. Expected a whole "
            f"{packing} file. Copy it again, or give the data file itself."
        ) from None
    if file.stat().st_size == 0:
        raise SurveyError(
            f"{path}: the compressed file holds an empty file. Expected a header and at least one row. Give the right file."
        )
    return file, ending.lower()


def _copy(path: Path, stream: IO[bytes], file: Path) -> None:
    size, packed = 0, path.stat().st_size
    with file.open("wb") as out:
        while part := stream.read(CHUNK):
            size += len(part)
            _refuse_size(path, size, packed)
            out.write(part)


@contextlib.contextmanager
def _zip_member(path: Path) -> Generator[tuple[IO[bytes], str]]:
    with zipfile.ZipFile(path) as archive:
        refuse_bomb(path, archive)
        names = [member for member in archive.namelist() if not member.endswith("/") and "__MACOSX/" not in member]
        if len(names) != 1:
            raise SurveyError(
                f"{path}: the archive holds {len(names)} files{': ' + listed(names) if names else ''}. Expected one data file. "
                "Unpack it and give the file you mean."
            )
        with archive.open(names[0]) as stream:
            yield stream, names[0]


def _stream(open_: Callable[..., Any]) -> Callable[[Path], contextlib.AbstractContextManager[tuple[IO[bytes], str]]]:
    @contextlib.contextmanager
    def opening(path: Path) -> Generator[tuple[IO[bytes], str]]:
        with open_(path, "rb") as stream:
            yield stream, path.stem

    return opening


PACKINGS: Final[dict[str, Callable[[Path], contextlib.AbstractContextManager[tuple[IO[bytes], str]]]]] = {
    ".gz": _stream(gzip.open),
    ".bz2": _stream(bz2.open),
    ".xz": _stream(lzma.open),
    ".zip": _zip_member,
}


BYTES_PER_CELL: Final = 24  # the library's value and our integer code, with a third on top for copying
SHARE_OF_FREE: Final = 0.5


@dataclass(frozen=True)
class Size:
    """Rows, columns and the memory they take, in bytes; an estimate where the rows are not known beforehand."""

    rows: int
    columns: int

    @property
    def memory(self) -> int:
        """Bytes while the file is read."""
        return self.rows * self.columns * BYTES_PER_CELL

    def __str__(self) -> str:
        return f"{self.rows:,} rows x {self.columns:,} columns, about {in_words(self.memory)} of memory"


def refuse_large(path: Path | str, size: Size, memory_gb: float) -> None:
    """Refuse a file that needs more memory than is declared, or than half of what is free.

    Parameters
    ----------
    path : Path or str
    size : Size
    memory_gb : float
        As declared in [source]; 0 where nothing is.

    Raises
    ------
    TooLargeError
    """
    limit = memory_gb * 1e9 or SHARE_OF_FREE * free_memory()
    if size.memory <= limit:
        return
    why = "declared in [source]" if memory_gb else "half of what is free on this machine"
    raise TooLargeError(
        f"{path}: {size}; the limit is {in_words(limit)} ({why}). Expected a file that fits. Keep only the columns that "
        "the codebook names, or count respondents without reading them (--in-place, or wwm.read_counts); or, if the memory is there, "
        f"write `memory_gb = {max(1, round(size.memory / 1e9 + 0.5))}` in [source]."
    )


def free_memory() -> float:
    """Bytes that programs can still take, as the system estimates it.

    Examples
    --------
    >>> free_memory() > 1e6
    True
    """
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES")) / 2.0


def in_words(size: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> in_words(1500), in_words(2.5e9)
    ('0.01 MB', '2.5 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.01):.3g} MB"


HEAD_BYTES: Final = 4096
_TEXT: Final = (".csv", ".tsv", ".txt")
_READ_AS_TEXT: Final = (*_TEXT, ".por")  # SPSS writes portable files in letters only
_STARTS: Final[dict[bytes, tuple[str, tuple[str, ...]]]] = {
    b"$FL2": ("an SPSS file", (".sav", ".zsav")),
    b"$FL3": ("a compressed SPSS file", (".zsav", ".sav")),
    b"<stata_dta>": ("a Stata file", (".dta",)),
    b"PK\x03\x04": ("an Excel workbook, or another zip archive", (".xlsx", ".zip")),
    b"PAR1": ("a parquet file", (".parquet",)),
}


def refuse_other_format(path: Path, file: Path, ending: str) -> None:
    """Refuse a file that is of another format than its ending says.

    Parameters
    ----------
    path : Path
        As the user gave it; for messages.
    file : Path
        What to open.
    ending : str
        Lower case, with its dot.

    Raises
    ------
    SurveyError
    """
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if any(head.startswith(start) for start, (_, endings) in _STARTS.items() if ending in endings):
        return
    if is_text(head):
        if ending not in _READ_AS_TEXT:
            raise SurveyError(
                f'{path}: the ending says "{ending}", and the file looks like text. Expected a name that says what the file is. '
                f"Give it the ending {_TEXT[0]}, or give the {ending} file itself."
            )
        return
    for start, (name, endings) in _STARTS.items():
        if head.startswith(start) and ending not in endings:
            raise SurveyError(
                f'{path}: the ending says "{ending}", and the first bytes say that this is {name}. Expected a name that says what the '
                f"file is. Give it the ending {' or '.join(endings)}."
            )


def is_text(head: bytes) -> bool:
    r"""Say whether bytes look like text in an encoding of one byte or in UTF-8: no control characters but white space.

    Examples
    --------
    >>> is_text("één,twee\r\n".encode()), is_text(b"$FL2\x00")
    (True, False)
    """
    return all(byte >= 32 or byte in b"\t\n\v\f\r\x1a" for byte in head)
