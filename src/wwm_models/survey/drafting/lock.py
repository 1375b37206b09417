"""The SHA-256 of a data file into a codebook: one value changes, every other byte stays."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from wwm_models.errors import DeclarationError

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
