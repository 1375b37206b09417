"""The two specifications that every chart is made of, where rows stand in them (pixels), and the colours of answers.

Rows carry their place (`y`, pixels) and their values (percent). The page's script places rows the same way, and breaks labels where they need it.
Parameters (colours, the end of the axis, what is shown) stand in the specification with their values for print; the page overwrites them.
"""

from __future__ import annotations

import importlib
import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

# Pixels: a row, a header (with air above it), and what stands below the last.
ROW, HEADER, BELOW = 24, 30, 4
LINE = 15  # pixels: a line of a label that takes several
MOST_LINES: Final = 6  # of a label or heading: a row stays a row, and an ellipsis says that there is more
LABEL, HEADING = 12.5, 13.0  # pixels of type
# Widths of the printable ASCII characters, space first, in thousandths of the size of type: DejaVu Sans 2.37, the widest of the fonts
# that figures name. Others count as a capital; East Asian ones and pictures are square.
_WIDTHS: Final = (
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337 838 838 838 531 1000 684 "
    "686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 "
    "635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838"
)
_THOUSANDTHS: Final = {chr(32 + at): int(width) for at, width in enumerate(_WIDTHS.split())}
BOLD: Final = 1.13  # of the same text in bold, on average
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


def laid_out(rows: Sequence[Row], gutter: int, room: float) -> tuple[list[dict[str, Any]], int]:
    """Rows with their places, and the height of them all.

    Parameters
    ----------
    rows : sequence of Row
    gutter : int
        Pixels left of the axis for the labels.
    room : float
        Pixels for the headers, which reach over the axis.
    """
    placed: list[dict[str, Any]] = []
    y = 0.0
    for row in rows:
        lines = _lines(row, gutter, room)
        more = LINE * (len(lines) - 1)
        y += _tall(row, lines)
        middle = y - (_tall(row, lines) - (HEADER - ROW if row.header else 0)) / 2
        label = lines if more else row.label
        place = {"y": middle, "label": label, "label_x": -gutter, "label_y": middle - more / 2, "header": row.header}
        numbers = {
            name: 100 * value for name, value in vars(row).items() if isinstance(value, float) and not math.isnan(value)
        }
        placed.append({**place, **numbers, "written": row.written})
    return placed, int(y + BELOW)


def height_of(row: Row, gutter: int, room: float) -> int:
    """Pixels of one row, with the air above a header."""
    return _tall(row, _lines(row, gutter, room))


def _lines(row: Row, gutter: int, room: float) -> list[str]:
    return wrapped(row.label, room - 8, HEADING * BOLD) if row.header else wrapped(row.label, gutter - 8, LABEL)


def _tall(row: Row, lines: Sequence[str]) -> int:
    more = LINE * (len(lines) - 1)
    return HEADER + more if row.header else max(ROW, more + 19)


def width_of(text: str, size: float) -> float:
    """Pixels that a text takes, at most about.

    Examples
    --------
    >>> round(width_of("never", 10), 2), round(width_of("NEVER", 10), 2)
    (28.67, 33.91)
    """
    return sum(_thousandths(character) for character in text) * size / 1000


def _thousandths(character: str) -> int:
    plain = unicodedata.normalize("NFD", character)[0]
    wide = ord(character) > 0xFFFF or unicodedata.east_asian_width(character) in "WF"
    return 0 if unicodedata.combining(character) else _THOUSANDTHS.get(plain, 1000 if wide else 700)


def wrapped(text: str, room: float, size: float, most: int = MOST_LINES) -> list[str]:
    """A text in the lines that it needs, at most `most`; a word that is longer than a line is broken.

    Parameters
    ----------
    text : str
    room : float
        Pixels.
    size : float
        Of the type, in pixels.
    most : int
        What does not fit in them is left out, with an ellipsis.

    Examples
    --------
    >>> wrapped("how often to work from home", 120, 12.5), wrapped("never", 120, 12.5)
    (['how often to work', 'from home'], ['never'])
    >>> wrapped("a b c d e f", 25, 12.5, most=2)
    ['a b', 'c…']
    """
    return list(_wrapped(text, room, size, most))


@lru_cache(maxsize=10_000)  # the rows of a sheet are measured again with every row that may still fit on it
def _wrapped(text: str, room: float, size: float, most: int) -> tuple[str, ...]:
    lines = [""]
    for piece in _pieces(text, room, size):
        joined = f"{lines[-1]} {piece}".strip()
        if lines[-1] and width_of(joined, size) > room:
            lines.append(piece)
        else:
            lines[-1] = joined
        if len(lines) > most:
            return (*lines[: most - 1], _cut(lines[most - 1], room, size))
    return tuple(lines)


def _pieces(text: str, room: float, size: float) -> list[str]:
    """The words, those that are longer than a line in pieces that are not."""
    pieces: list[str] = []
    for word in text.split():
        ends = list(itertools.accumulate(width_of(character, size) for character in word))
        start, before = 0, 0.0
        for at, end in enumerate(ends):
            if end - before > room and at > start:
                pieces.append(word[start:at])
                start, before = at, ends[at - 1]
        pieces.append(word[start:])
    return pieces


def _cut(line: str, room: float, size: float) -> str:
    while line and width_of(line + "…", size) > room:
        line = line[:-1].rstrip()
    return line + "…"


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


# Blue, orange and black stay apart for every kind of colour blindness (Okabe and Ito 2008, Color Universal Design).
COLOURS: Final = {
    "paper": "#ffffff", "ink": "#1d2228", "soft": "#5a636d", "rule": "#d9d6cf", "faint": "#eceae4",
    "adjusted": "#0b5fa5", "interval": "#9dc3e3", "printed": "#b3470a", "band": "#f3cfb3",
}  # fmt: skip
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
SMALL: Final = 11.5  # pixels of type: of axes and of values beside rows


def altair() -> Any:
    """Altair, imported when a chart is made: the command line must answer before it has loaded."""
    return importlib.import_module("altair")


def dots() -> Any:
    """Hollow dot raw, filled dot with interval adjusted, tick and band printed; the data are called "rows"."""
    alt, base, percent = altair(), _placed(), _percent()
    axis = alt.Axis(
        title=None, grid=True, gridColor=alt.ExprRef("faint"), domain=False, ticks=False, labelColor=alt.ExprRef("soft"),
        labelFontSize=SMALL, labelPadding=5, labelFlush=False, labelOverlap=False, format="d",
        values=alt.ExprRef("sequence(bottom, top + 0.001, step)"),
    )  # fmt: skip

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", scale=percent, axis=axis)

    raw = base.transform_filter("isValid(datum.raw) && show != 'adjusted'")
    adjusted = base.transform_filter("isValid(datum.adjusted) && show != 'raw'")
    printed = base.transform_filter("isValid(datum.published)")
    rounded = base.transform_filter("isValid(datum.published_lower)")
    linked = base.transform_filter("isValid(datum.raw) && isValid(datum.adjusted) && show == 'both'")
    round_ = {"shape": "circle", "opacity": 1}
    ring = {**round_, "size": 105, "fill": alt.ExprRef("paper"), "stroke": alt.ExprRef("ink"), "strokeWidth": 2}
    disc = {**round_, "size": 75, "fill": alt.ExprRef("adjusted"), "stroke": alt.ExprRef("paper"), "strokeWidth": 1}
    layers = [
        base.transform_filter("!datum.header").mark_rule(stroke=alt.ExprRef("rule")).encode(x=alt.value(0), x2=alt.value(alt.ExprRef("across"))),
        rounded.mark_bar(height=17, fill=alt.ExprRef("band"), opacity=1).encode(x=x("published_lower"), x2="published_upper:Q"),
        printed.mark_tick(thickness=2.5, height=17, color=alt.ExprRef("printed"), opacity=1).encode(x=x("published")),
        adjusted.mark_rule(strokeWidth=6, strokeCap="round", stroke=alt.ExprRef("interval")).encode(x=x("lower"), x2="upper:Q"),
        linked.mark_rule(strokeWidth=1.5, stroke=alt.ExprRef("ink")).encode(x=x("raw"), x2="adjusted:Q"),
        raw.mark_point(**ring).encode(x=x("raw")),
        adjusted.mark_point(**disc).encode(x=x("adjusted")),
        *_texts(base),
    ]  # fmt: skip
    return _framed(alt.layer(*layers))


def bars() -> Any:
    """Whole distributions as bars of segments from `start` to `end` percent, each with its share where there is room."""
    alt, base, percent = altair(), _placed(), _percent()
    axis = alt.Axis(
        title=None, grid=False, domain=False, ticks=False, labelColor=alt.ExprRef("soft"), labelFontSize=SMALL, labelPadding=5,
        labelFlush=False, labelOverlap=False,
        values=alt.ExprRef("sequence(ceil(bottom / step) * step, top + 0.001, step)"), labelExpr="format(abs(datum.value), 'd')",
    )  # fmt: skip
    pieces = base.transform_filter("isValid(datum.start)")
    drawn = pieces.mark_bar(height=15, stroke=alt.ExprRef("paper"), strokeWidth=1).encode(
        x=alt.X("start:Q", scale=percent, axis=axis), x2="end:Q", fill=alt.Fill("colour:N", scale=None)
    )
    zero = (
        base.transform_filter("isValid(datum.zero)")
        .mark_rule(stroke=alt.ExprRef("ink"), strokeWidth=1)
        .encode(x=alt.X("zero:Q", scale=percent, axis=axis), y=alt.Y("from:Q", scale=None, axis=None), y2="y:Q")
    )
    shares = (
        pieces.transform_filter("datum.end - datum.start > room")
        .mark_text(fontSize=11, baseline="middle")
        .encode(x=alt.X("middle:Q", scale=percent), text="share:N", fill=alt.Fill("on:N", scale=None))
    )
    return _framed(alt.layer(drawn, shares, zero, *_texts(base)))


def _placed() -> Any:
    """A chart of the rows, each at its height in pixels."""
    alt = altair()
    return alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("y:Q", scale=None, axis=None))


def _percent() -> Any:
    """The scale of percentages, whose ends are parameters."""
    alt = altair()
    return alt.Scale(domain=[alt.ExprRef("bottom"), alt.ExprRef("top")], nice=False, zero=False)


def _texts(base: Any) -> list[Any]:
    """Headers and labels on the left (or above the row, on a phone), written values on the right."""
    alt = altair()
    at = {"x": alt.X("label_x:Q", scale=None, axis=None), "y": alt.Y("label_y:Q", scale=None, axis=None)}
    labels = base.transform_filter("datum.label && !datum.header").mark_text(
        align="left", baseline="middle", fontSize=LABEL, fill=alt.ExprRef("ink"), limit=alt.ExprRef("limit")
    )
    headers = base.transform_filter("datum.header").mark_text(
        align="left", baseline="middle", fontSize=HEADING, fontWeight=600, fill=alt.ExprRef("ink"), limit=alt.ExprRef("header_limit"),
    )  # fmt: skip
    written = base.transform_filter("datum.written").mark_text(
        align="right", baseline="middle", fontSize=SMALL, fill=alt.ExprRef("soft")
    )
    right = {"x": alt.value(alt.ExprRef("beside"))}
    return [
        labels.encode(**at, text="label:N"), headers.encode(**at, text="label:N"),
        written.encode(**right, text="written:N"),
    ]  # fmt: skip


def _framed(chart: Any) -> Any:
    alt = altair()
    settings: dict[str, Any] = {
        **COLOURS, "show": "both", "top": 100, "bottom": 0, "step": 20, "limit": 200, "header_limit": 400, "beside": 96, "across": 100, "room": 6,
    }  # fmt: skip
    return chart.add_params(*(alt.param(name=name, value=value) for name, value in settings.items())).resolve_scale(
        x="shared"
    )
