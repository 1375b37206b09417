"""Where rows stand, in pixels, and the colours of answers. The page's script places rows the same way, and breaks labels where they need it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

# Pixels: a row, a header (with air above it).
ROW, HEADER = 24, 30
LINE, CHARACTER, WIDE = (
    15,
    6.4,
    7.2,
)  # pixels: a line of a label that takes several; a character of it, usually and at most
AXES: Final = ((10, 2), (20, 5), (30, 10), (40, 10), (60, 20), (80, 20), (100, 25))
# Brown to teal, grey in the middle (ColorBrewer BrBG): safe for colour blindness, and the ends differ in grey print from the middle.
DIVERGING: Final[dict[int, tuple[str, ...]]] = {
    2: ("#bf812d", "#35978f"),
    3: ("#bf812d", "#d9d9d9", "#35978f"),
    4: ("#8c510a", "#dfc27d", "#80cdc1", "#01665e"),
    5: ("#8c510a", "#dfc27d", "#d9d9d9", "#80cdc1", "#01665e"),
    6: ("#8c510a", "#bf812d", "#dfc27d", "#80cdc1", "#35978f", "#01665e"),
    7: ("#8c510a", "#bf812d", "#dfc27d", "#d9d9d9", "#80cdc1", "#35978f", "#01665e"),
}
# Dark to light blue (viridis-like lightness): an order without a middle.
SEQUENTIAL: Final = ("#cfe1f2", "#93c4de", "#4a97c9", "#1864aa", "#08306b")


@dataclass(frozen=True)
class Row:
    """A line of a chart: a header, or a group with its numbers as probabilities (nan where there is none)."""

    label: str
    header: bool = False
    raw: float = math.nan
    adjusted: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    published: float = math.nan
    published_lower: float = math.nan
    published_upper: float = math.nan
    written: str = ""


def axis_of(rows: Sequence[Row]) -> tuple[int, int]:
    """End of the axis and distance of its ticks, in percent: the shortest from 0 that holds every mark.

    Examples
    --------
    >>> axis_of([Row("a", raw=0.2, upper=0.21)])
    (30, 10)
    """
    marks = [value for row in rows for value in (row.raw, row.adjusted, row.upper, row.published_upper)]
    top = 100 * max((value for value in marks if not math.isnan(value)), default=0.0)
    return next(((end, step) for end, step in AXES if top <= end), AXES[-1])


def laid_out(rows: Sequence[Row], gutter: int) -> tuple[list[dict[str, Any]], int]:
    """Rows with their places, and the height of them all.

    Parameters
    ----------
    rows : sequence of Row
    gutter : int
        Pixels left of the axis for the labels.
    """
    placed: list[dict[str, Any]] = []
    y = 0.0
    for row in rows:
        lines = [row.label] if row.header else _lines(row.label, gutter - 8)
        more = LINE * (len(lines) - 1)
        height = HEADER if row.header else max(ROW, more + 19)
        y += height
        middle = y - (ROW if row.header else height) / 2
        label = lines if more else row.label
        place = {"y": middle, "label": label, "label_x": -gutter, "label_y": middle - more / 2, "header": row.header}
        numbers = {
            name: 100 * value for name, value in vars(row).items() if isinstance(value, float) and not math.isnan(value)
        }
        placed.append({**place, **numbers, "written": row.written})
    return placed, int(y + 4)


def _lines(label: str, room: float) -> list[str]:
    """A label in the lines that it needs.

    Examples
    --------
    >>> _lines("how often to work from home", 120), _lines("never", 120)
    (['how often to', 'work from home'], ['never'])
    """
    return [label] if CHARACTER * len(label) <= room else textwrap.wrap(label, int(room / WIDE))


def colours_of(count: int, *, diverging: bool) -> list[str]:
    """One colour per answer.

    Examples
    --------
    >>> len(colours_of(12, diverging=True)), colours_of(2, diverging=False)
    (12, ['#cfe1f2', '#08306b'])
    """
    known = DIVERGING.get(count) if diverging else None
    if known:
        return list(known)
    scale = DIVERGING[7] if diverging else SEQUENTIAL
    return [_between(scale, place / max(count - 1, 1)) for place in range(count)]


def _between(scale: Sequence[str], place: float) -> str:
    """Colour at a place (0..1) of a scale, mixed linearly."""
    at = place * (len(scale) - 1)
    left = min(int(at), len(scale) - 2)
    one, other = (_channels(scale[left]), _channels(scale[left + 1]))
    return "#" + "".join(f"{round(a + (b - a) * (at - left)):02x}" for a, b in zip(one, other, strict=True))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def on(colour: str) -> str:
    """Black or white, whichever can be read on the colour (WCAG 2.2 relative luminance, contrast from 4.5).

    Examples
    --------
    >>> on("#01665e"), on("#dfc27d")
    ('#ffffff', '#000000')
    """
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"
