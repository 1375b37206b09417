"""Figures for print: a block as one drawing in one language, SVG and PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

from wwm_models.report.charts.layout import Row, axis_of, laid_out
from wwm_models.report.charts.page import CONFIG
from wwm_models.report.charts.specs import COLOURS, dots

WIDTH, GUTTER, BESIDE = 380, 220, 106
SMALL_WIDTH, SMALL_GUTTER, GROUP_HEIGHT = 170, 104, 18
SCALE, DPI = 3, 216  # of the PNG: three pixels per point


@dataclass(frozen=True)
class Drawing:
    """What a print figure says.

    Attributes
    ----------
    title : str
    notes : tuple of str
        Under the title; the first says SYNTHETIC where the respondents are invented.
    cells : tuple of (heading, column, rows)
    columns : int
        Cells beside each other.
    """

    title: str
    notes: tuple[str, ...]
    cells: tuple[tuple[str, str, tuple[Row, ...]], ...]
    columns: int = 1


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

    Examples
    --------
    >>> lean('<svg class="marks"><g role="graphics-object" transform="translate(1.23456,2)"></g></svg>', "A & B")
    '<svg role="img" aria-label="A &amp; B" class="marks"><g transform="translate(1.23,2)"></g></svg>'
    """
    bare = re.sub(r' (?:role|aria-\w+)="[^"]*"', "", svg)
    rounded = re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), bare)
    return rounded.replace("<svg", f'<svg role="img" aria-label={quoteattr(title)}', 1)


@cache
def _dots() -> Mapping[str, Any]:
    """The one specification of dots, made and checked by Altair once; cells differ in rows, sizes and titles only."""
    return dict(dots().to_dict())


def specification(drawing: Drawing) -> dict[str, Any]:
    """The Vega-Lite specification of a drawing: rows of cells, each the specification of dots with its own rows."""
    end, step = axis_of([row for _, _, rows in drawing.cells for row in rows])
    matrix = drawing.columns > 1
    gutter, width = (SMALL_GUTTER, SMALL_WIDTH) if matrix else (GUTTER, WIDTH)
    given = {
        "top": end,
        "step": step,
        "limit": gutter - 8,
        "beside": width + BESIDE,
        "across": width,
        "header_limit": gutter + width,
    }
    made = _dots()
    params = [{**one, "value": given.get(one["name"], one["value"])} for one in made["params"]]
    cells = [_cell(cell, made["layer"], gutter, width, matrix=matrix) for cell in drawing.cells]
    lines = [cells[start : start + drawing.columns] for start in range(0, len(cells), drawing.columns)]
    title = {
        "text": drawing.title, "subtitle": list(drawing.notes), "anchor": "start", "frame": "bounds", "fontSize": 16, "subtitleFontSize": 11.5,
        "color": COLOURS["ink"], "subtitleColor": COLOURS["soft"], "subtitleLineHeight": 16, "offset": 14,
    }  # fmt: skip
    return {
        "$schema": made["$schema"], "title": title, "padding": 18, "background": COLOURS["paper"], "params": params, "spacing": 4,
        "vconcat": [_line(line, cell[0], matrix=matrix) for line, cell in zip(lines, drawing.cells[:: drawing.columns], strict=True)],
        "config": {**CONFIG, "background": COLOURS["paper"], "concat": {"spacing": 14}},
    }  # fmt: skip


def _line(cells: Sequence[dict[str, Any]], heading: str, *, matrix: bool) -> dict[str, Any]:
    if not matrix:
        return dict(cells[0])
    title = {
        "text": heading,
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 12.5,
        "color": COLOURS["ink"],
        "offset": 2,
        "limit": 900,
    }
    return {"title": title, "hconcat": list(cells)}


def _cell(
    cell: tuple[str, str, Sequence[Row]], layers: Sequence[Mapping[str, Any]], gutter: int, width: int, *, matrix: bool
) -> dict[str, Any]:
    _, column, rows = cell
    head = [Row(column, header=True)] if matrix else []
    placed, height = laid_out([*head, *rows], gutter)
    named = [{**layer, "name": f"layer_{at}"} for at, layer in enumerate(layers)]
    return {
        "data": {"values": placed},
        "layer": named,
        "width": width,
        "height": height,
        "resolve": {"scale": {"x": "shared"}},
    }
