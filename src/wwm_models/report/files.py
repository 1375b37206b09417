"""The report as files: the page, a drawing per grouping of a model, a table per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wwm_models.records import Results
from wwm_models.report.dumbbell import Panel
from wwm_models.report.page import all_sections, common, environment, render_page, style
from wwm_models.report.sections import Block, Section

# Pixels of a stand-alone drawing: two columns of panels.
_WIDTH, _MARGIN, _GUTTER = 760, 20, 40
_PANEL = (_WIDTH - 2 * _MARGIN - _GUTTER) // 2
_HEAD, _FOOT, _TITLE = 90, 50, 40


@dataclass(frozen=True)
class Place:
    """A panel and where its corner is."""

    panel: Panel
    x: int
    y: int


@dataclass(frozen=True)
class Figure:
    """A stand-alone drawing."""

    width: int
    height: int
    panel: int
    places: tuple[Place, ...]


def write_report(results: Results, folder: Path) -> list[Path]:
    """Write report.html, figures/ and tables/ into a folder.

    Parameters
    ----------
    results : Results
    folder : Path
        Exists; files of the same names are replaced.

    Returns
    -------
    list of Path
        What was written.
    """
    shared = common(results)
    written = [_write(folder / "report.html", render_page(results))]
    for section in all_sections(results):
        written += [
            _write(folder / "figures" / f"{block.anchor}.svg", figure(section, block, shared))
            for block in section.blocks
        ]
        table = environment().get_template("table.html.j2").render(**shared, section=section)
        written.append(_write(folder / "tables" / f"{section.anchor}.html", table))
    return written


def figure(section: Section, block: Block, shared: dict[str, Any]) -> str:
    """One grouping of a model as an svg file that needs nothing beside it."""
    context = {**shared, "style": style("colours", "chart")}
    template = environment().get_template("figure.svg.j2")
    return template.render(**context, section=section, block=block, figure=_laid_out(block.panels))


def _laid_out(panels: Sequence[Panel]) -> Figure:
    """Panels in rows of two."""
    places: list[Place] = []
    below = _HEAD
    for start in range(0, len(panels), 2):
        row = panels[start : start + 2]
        places += [Place(panel, _MARGIN + at * (_PANEL + _GUTTER), below) for at, panel in enumerate(row)]
        below += max(panel.height for panel in row) + _TITLE
    return Figure(_WIDTH, below + _FOOT, _PANEL, tuple(places))


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
