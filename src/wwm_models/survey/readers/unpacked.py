"""A data file ready to be read: found, hashed, held to its lock, and unpacked under limits where it is compressed."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import tempfile
import zipfile
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from wwm_models.errors import SurveyError, WwmError, listed

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
