"""What the first bytes of a file say that it is, where its name says something else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wwm_models.errors import SurveyError

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
