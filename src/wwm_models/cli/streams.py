"""What leaves for a terminal: text in which nothing commands the terminal, in characters that it has."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Generator
from typing import Any, Final, TextIO

# control characters but line end and tab, marks that turn the direction of writing, line separators and halves of a character
_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Write what commands a terminal as Python and TOML write it.

    Examples
    --------
    >>> print(escaped("a\x1b[31m\u202eb"))
    a\u001b[31m\u202eb
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Escaped:
    """A text stream that escapes what is written to it; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text, escaped, with a backslash form for what the stream's encoding does not have."""
        plain = escaped(text)
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(plain.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a stream can do."""
        return getattr(self.stream, name)


@contextlib.contextmanager
def escaping() -> Generator[None]:
    """Have everything that is printed go through `escaped`."""
    out, talk = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Escaped(out), Escaped(talk)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, talk


def terminal() -> TextIO:
    """The stream for talk as it is, for what draws on a terminal and escapes its texts itself."""
    return getattr(sys.stderr, "stream", sys.stderr)
