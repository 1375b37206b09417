"""What a page carries compressed: the chart library, the numbers of the charts, and what opens only on request.

A page holds a chart library of 0.9 MB and some thousands of numbers with their sources; deflated they are a fifth of that. The
browser's own DecompressionStream unpacks them (no network, no eval), so the page stays one file. What stands in plain markup
is what a reader sees first and what has to be there without JavaScript: the statements with their verdicts and the tables of
the figures.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from markupsafe import Markup


class Parts:
    """Markup that the page's script puts in its place when the page opens."""

    def __init__(self) -> None:
        self._markup: list[str] = []

    def __call__(self, content: Markup) -> Markup:
        """An empty place for a piece of markup."""
        self._markup.append(str(content).strip())
        return Markup('<div data-part="{}"></div>').format(len(self._markup) - 1)

    @property
    def markup(self) -> list[str]:
        """The pieces, by the number of their place."""
        return self._markup


def packed(held: Any) -> str:
    """JSON, deflated, in base 64.

    Examples
    --------
    >>> unpacked(packed({"one": [1, 2]}))
    {'one': [1, 2]}

    References
    ----------
    Deutsch, P. (1996). DEFLATE compressed data format specification. RFC 1951.
    """
    written = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    deflated = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return base64.b64encode(deflated.compress(written.encode("utf-8")) + deflated.flush()).decode("ascii")


def unpacked(text: str) -> Any:
    """What was packed."""
    return json.loads(zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS))
