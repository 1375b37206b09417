"""Charts as files: the libraries that the page draws with, and figures for print.

`bundle` is the libraries in one text, `templates` both specifications compiled to Vega. `written` is a block as one drawing in one language, SVG
and PNG; a tall one as several sheets.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from wwm_models.parallel import begin
from wwm_models.report.charts import (
    BOLD,
    COLOURS,
    FONT,
    HEADER,
    LINE,
    Row,
    axis_of,
    bars,
    dots,
    height_of,
    laid_out,
    wrapped,
)

CONFIG = {"view": {"stroke": None}, "font": FONT, "aria": False, "background": None}


@dataclass(frozen=True)
class Library:
    """What charts need whatever their numbers are.

    Attributes
    ----------
    bundle : str
        The page's scripts.
    templates : str
        Both specifications compiled to Vega, as JSON.
    """

    bundle: str
    templates: str


@cache
def library() -> Callable[[], Library]:
    """The library, being made in a process of its own, since vl-convert lets no other Python run beside it.

    It depends on no number, so a run begins on it before its fits. The function that is given waits for it.
    """
    return begin(_made)


def _made() -> Library:
    return Library(bundle(), templates())


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script without imports; it makes ``vegaEmbed`` known and nothing else.

    Vega evaluates expressions by its interpreter (option ``ast``), so the page needs no permission for eval.
    """
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def templates() -> str:
    """Both specifications compiled to Vega, as JSON; rows, width and colours are filled in by the page's script."""
    return json.dumps(
        {name: _compiled(made) for name, made in (("dots", dots()), ("bars", bars()))}, separators=(",", ":")
    )


def _compiled(chart: Any) -> dict[str, Any]:
    import vl_convert

    declared = chart.properties(width=100, height=100, autosize="none", padding=0).to_dict()
    return dict(vl_convert.vegalite_to_vega({**declared, "config": CONFIG}))


WIDTH, GUTTER, BESIDE = 380, 220, 106
SMALL_WIDTH, SMALL_GUTTER = 170, 104
SCALE, DPI = 3, 216  # of the PNG: three pixels per point
# Points: of the panels of one sheet. With titles and six small charts beside each other it stays under 90 million pixels, from which
# Pillow takes a picture for an attack, and a printer's A0 holds it.
TALLEST: Final = 2400
TITLE, NOTE, ITEM = 16, 11.5, 12.5  # pixels of type: the title, the notes under it, a heading over a line of panels
AXIS: Final = 44  # points: the labels of an axis with the air below them


Panel = tuple[str, str, tuple[Row, ...]]  # the heading over its line, the one over itself, its rows


@dataclass(frozen=True)
class Drawing:
    """What a print figure says.

    Attributes
    ----------
    title : str
    notes : tuple of str
        Under the title; the first says SYNTHETIC where the respondents are invented.
    cells : tuple of Panel
        Line by line; every line has as many as there are columns.
    columns : int
        Panels beside each other.
    headed : bool
        Whether headings stand over the lines and the panels.
    axis : (end, step) or None
        In percent, where it is not that of its own rows.
    """

    title: str
    notes: tuple[str, ...]
    cells: tuple[Panel, ...]
    columns: int = 1
    headed: bool = False
    axis: tuple[int, int] | None = None

    @property
    def gutter(self) -> int:
        """Points left of a panel's axis."""
        return SMALL_GUTTER if self.columns > 1 else GUTTER

    @property
    def across(self) -> int:
        """Points of a panel's axis."""
        return SMALL_WIDTH if self.columns > 1 else WIDTH

    @property
    def width(self) -> int:
        """Points of what stands beside each other."""
        beside = 0 if self.columns > 1 else BESIDE
        return self.columns * (self.gutter + self.across) + beside

    @property
    def lines(self) -> list[Sequence[Panel]]:
        """Panels that stand beside each other."""
        return [self.cells[start : start + self.columns] for start in range(0, len(self.cells), self.columns)]


def sheets(drawing: Drawing) -> tuple[Drawing, ...]:
    """The drawing in as many parts as keep its panels under `TALLEST`, all with its title, notes and axis.

    Lines of panels stay whole where they can; a panel that is taller than a sheet is cut between its rows, and the header above
    the cut stands again below it.

    Examples
    --------
    >>> tall = Drawing("A title", (), (("", "", tuple(Row(f"group {at}", raw=0.5) for at in range(250))),))
    >>> [len(sheet.cells[0][2]) for sheet in sheets(tall)]
    [98, 98, 54]
    """
    whole = replace(drawing, axis=axis_of([row for _, _, rows in drawing.cells for row in rows]))
    parts: list[list[Panel]] = [[]]
    used = 0
    for line in (piece for one in whole.lines for piece in _pieces(one, whole)):
        tall = _tall(line, whole)
        if parts[-1] and used + tall > TALLEST:
            parts.append([])
            used = 0
        parts[-1] += line
        used += tall
    return tuple(replace(whole, cells=tuple(part)) for part in parts)


def _tall(line: Sequence[Panel], drawing: Drawing) -> int:
    """Points of a line of panels with the axis below and the headings above them."""
    rows = max(
        sum(height_of(row, drawing.gutter, drawing.gutter + drawing.across) for row in rows) for _, _, rows in line
    )
    return rows + AXIS + (2 * HEADER + 3 * LINE if drawing.headed else 0)


def _pieces(line: Sequence[Panel], drawing: Drawing) -> list[Sequence[Panel]]:
    """A line of panels, or the one panel of a line cut between rows into pieces that a sheet holds."""
    if len(line) > 1 or _tall(line, drawing) <= TALLEST:
        return [line]
    heading, column, rows = line[0]
    pieces: list[list[Row]] = [[]]
    above: list[Row] = []
    for at, row in enumerate(rows):
        held = [*pieces[-1], row, *rows[at + 1 : at + 2]] if row.header else [*pieces[-1], row]
        if pieces[-1] and _tall([(heading, column, tuple(held))], drawing) > TALLEST:
            pieces.append([] if row.header else list(above))
        above = [row] if row.header else above
        pieces[-1].append(row)
    return [((heading, column, tuple(piece)),) for piece in pieces]


def written(drawing: Drawing) -> tuple[str, bytes]:
    """The drawing as SVG text and as PNG bytes (216 dpi, 64 colours: more than flat colours and type need)."""
    import vl_convert
    from PIL import Image

    svg = lean(vl_convert.vegalite_to_svg(specification(drawing)), drawing.title)
    held = io.BytesIO()
    picture = Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=SCALE))).convert("RGB")
    picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        held, "PNG", optimize=True, dpi=(DPI, DPI)
    )
    return svg, held.getvalue()


def lean(svg: str, title: str) -> str:
    """The drawing under one name instead of a role for every group in it, its places to a hundredth of a pixel.

    What stands between the tags is text of the study, and stays as it is.

    Examples
    --------
    >>> lean('<svg class="marks"><g role="graphics-object" transform="translate(1.23456,2)">1.23456</g></svg>', "A & B")
    '<svg role="img" aria-label="A &amp; B" class="marks"><g transform="translate(1.23,2)">1.23456</g></svg>'
    """
    bare = re.sub(r"<[^<>]*>", lambda tag: _rounded(re.sub(r' (?:role|aria-\w+)="[^"]*"', "", tag[0])), svg)
    return bare.replace("<svg", f'<svg role="img" aria-label={quoteattr(title)}', 1)


def _rounded(tag: str) -> str:
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), tag)


@cache
def _dots() -> Mapping[str, Any]:
    """The one specification of dots, made and checked by Altair once; panels differ in rows, sizes and titles only."""
    return dict(dots().to_dict())


def specification(drawing: Drawing) -> dict[str, Any]:
    """The Vega-Lite specification of a drawing: lines of panels, each the specification of dots with its own rows."""
    end, step = drawing.axis or axis_of([row for _, _, rows in drawing.cells for row in rows])
    given = {
        "top": end,
        "step": step,
        "limit": drawing.gutter - 4,
        "beside": drawing.across + BESIDE,
        "across": drawing.across,
        "header_limit": drawing.gutter + drawing.across,
    }
    made = _dots()
    params = [{**one, "value": given.get(one["name"], one["value"])} for one in made["params"]]
    panels = iter(_panel(f"panel_{at}", cell, made["layer"], drawing) for at, cell in enumerate(drawing.cells))
    notes = [line for note in drawing.notes for line in wrapped(note, drawing.width, NOTE)]
    title = {
        "text": wrapped(drawing.title, drawing.width, TITLE * BOLD), "subtitle": notes, "anchor": "start", "frame": "bounds",
        "fontSize": TITLE, "subtitleFontSize": NOTE, "color": COLOURS["ink"], "subtitleColor": COLOURS["soft"], "subtitleLineHeight": 16,
        "subtitlePadding": 6, "offset": 14,
    }  # fmt: skip
    return {
        "$schema": made["$schema"], "title": title, "padding": 18, "background": COLOURS["paper"], "params": params, "spacing": 12,
        "vconcat": [_line([next(panels) for _ in line], line[0][0], drawing) for line in drawing.lines],
        "config": {**CONFIG, "background": COLOURS["paper"], "concat": {"spacing": 14}},
    }  # fmt: skip


def _line(panels: Sequence[dict[str, Any]], heading: str, drawing: Drawing) -> dict[str, Any]:
    if not drawing.headed:
        return dict(panels[0])
    title = {
        "text": wrapped(heading, drawing.width, ITEM * BOLD, most=3),
        "anchor": "start",
        "frame": "bounds",
        "fontSize": ITEM,
        "color": COLOURS["ink"],
        "offset": 2,
    }
    return {"title": title, "hconcat": list(panels)}


def _panel(name: str, panel: Panel, layers: Sequence[Mapping[str, Any]], drawing: Drawing) -> dict[str, Any]:
    """A panel. Vega-Lite takes views of one name for one view, with one set of rows: every name in it is the panel's own."""
    _, column, rows = panel
    head = [Row(column, header=True)] if drawing.headed else []
    placed, height = laid_out([*head, *rows], drawing.gutter, drawing.gutter + drawing.across)
    return {
        "name": name,
        "data": {"values": placed},
        "layer": [{**layer, "name": f"{name}_layer_{at}"} for at, layer in enumerate(layers)],
        "width": drawing.across,
        "height": height,
        "resolve": {"scale": {"x": "shared"}},
    }
