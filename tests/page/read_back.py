"""What an exported figure or table says, read from the file itself and held against the csv.

A figure is read as a person reads it: a dot's place between the ticks of its axis is a percentage, the text left of it says of
whom, the bold text above says of what. Nothing of the package that drew it is used; only the colours that its notes explain.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RAW, ADJUSTED, INTERVAL, PRINTED, BAND, RULE = "#1d2228", "#0b5fa5", "#9dc3e3", "#b3470a", "#f3cfb3", "#d9d6cf"
HALF = 0.5  # Vega draws an axis half a pixel to the right of its marks, so that its lines are sharp
SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("raw", "adjusted", "lower", "upper", "published", "published_lower", "published_upper")


@dataclass
class Drawn:
    """A line of a panel."""

    header: str
    label: str
    numbers: dict[str, float] = field(default_factory=dict)  # percent
    written: str = ""


@dataclass
class Panel:
    heading: str
    rows: list[Drawn]
    precision: float  # percentage points of half a hundredth of a pixel, twice


@dataclass
class Figure:
    title: str
    notes: list[str]
    panels: list[Panel]
    width: float
    height: float


def read_figure(path: Path) -> Figure:
    """A figure from its SVG file."""
    root = ElementTree.parse(path).getroot()
    found = list(_placed(root))
    panels = [one for one in found if "role-scope" in _class(one[0]) and not _holds_scope(one[0])]
    titles = [(x, y, text) for one, x, y in found if "role-title-text" in _class(one) for text in [_text(one)]]
    notes = [
        _text(line) for one, _, _ in found if "role-title-subtitle" in _class(one) for text in one for line in (list(text) or [text])
    ]  # fmt: skip
    headings = _headings(root)
    title = root.get("aria-label") or ""
    assert titles
    return Figure(
        title, notes, [_panel(element, x, y, headings.get(element, "")) for element, x, y in panels],
        float(root.attrib["width"]), float(root.attrib["height"]),
    )  # fmt: skip


def _class(element: Any) -> str:
    return element.get("class") or ""


def _holds_scope(element: Any) -> bool:
    return any("role-scope" in _class(one) for one in element.iter() if one is not element)


def _headings(root: Any) -> dict[Any, str]:
    """The title over a line of panels, for each of its panels."""
    found: dict[Any, str] = {}
    for line in root.iter(f"{SVG}g"):
        if "role-scope" not in _class(line) or not _holds_scope(line):
            continue
        own = [one for one in line.iter() if "role-title-text" in _class(one)]
        for panel in line.iter():
            if "role-scope" in _class(panel) and panel is not line and own:
                found[panel] = _text(own[0])
    return found


def _text(element: Any) -> str:
    """The text of an element, its lines with a space between them."""
    parts = [one.text or "" for one in element.iter() if one.tag in (f"{SVG}text", f"{SVG}tspan")]
    return " ".join(part for part in parts if part)


def _placed(element: Any, x: float = 0.0, y: float = 0.0) -> Iterator[tuple[Any, float, float]]:
    """Every element with its place on the sheet."""
    moved = re.fullmatch(r"translate\(([^,]+),([^)]+)\)", (element.get("transform") or "").partition(" ")[0])
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    yield element, x, y
    for one in element:
        yield from _placed(one, x, y)


def _panel(element: Any, x: float, y: float, heading: str) -> Panel:
    inside = [part for one in element for part in _placed(one, x, y)]
    labels = {text for one, _, _ in inside if "role-axis-label" in _class(one) for text in one.iter(f"{SVG}text")}
    ticks = [(float(one.text), at - HALF) for one, at, _ in inside if one in labels]
    values, places = np.array(sorted(ticks)).T
    assert len(values) > 1
    step = (values[-1] - values[0]) / (places[-1] - places[0])
    np.testing.assert_allclose(
        values, values[0] + (places - places[0]) * step, atol=0.01 * abs(step), err_msg="the axis is not even"
    )

    def value(place: float) -> float:
        return float(values[0] + (place - places[0]) * step)

    rules = sorted(at for one, _, at in inside if one.tag == f"{SVG}line" and one.get("stroke") == RULE)
    rows = {at: Drawn("", "") for at in rules}

    def row(at: float, most: float = 1.0) -> Drawn:
        near = min(rows, key=lambda one: abs(one - at))
        assert abs(near - at) <= most, (at, rules)
        return rows[near]

    headers: list[tuple[float, str]] = []
    for one, at_x, at_y in inside:
        if one in labels:
            continue
        if one.tag == f"{SVG}text" and "font-weight" in one.attrib:
            headers.append((at_y, _text(one)))
        elif one.tag == f"{SVG}text" and one.get("text-anchor") == "start" and "font-weight" not in one.attrib:
            middle = at_y + 14.5 * (len(list(one)) - 1 if len(list(one)) else 0) / 2 - 4.5
            row(middle, 4.0).label = _text(one)
        elif one.tag == f"{SVG}text" and one.get("text-anchor") == "end":
            row(at_y - 4.0, 2.0).written = _text(one)
        else:
            _mark(one, at_x, at_y, row, value)
    for at, drawn in rows.items():
        drawn.header = next((text for above, text in sorted(headers, reverse=True) if above < at), "")
    return Panel(heading, [rows[at] for at in rules], 2 * 0.005 * abs(step))


def _mark(one: Any, x: float, y: float, row: Any, value: Any) -> None:
    """Put the number of a mark in its row."""
    shape = one.get("d") or ""
    if one.tag == f"{SVG}path" and "A" in shape:
        name = {RAW: "raw", ADJUSTED: "adjusted"}.get(
            one.get("stroke") if one.get("stroke") == RAW else one.get("fill")
        )
        row(y).numbers[name] = value(x)
    elif one.tag == f"{SVG}path" and one.get("fill") in (PRINTED, BAND):
        left, top, wide, tall = (
            float(number)
            for number in re.fullmatch(r"M(-?[\d.]+),(-?[\d.]+)h(-?[\d.]+)v(-?[\d.]+)h-?[\d.]+Z", shape).groups()
        )
        numbers = row(y + top + tall / 2).numbers
        if one.get("fill") == PRINTED:
            numbers["published"] = value(x + left + wide / 2)
        else:
            numbers["published_lower"], numbers["published_upper"] = value(x + left), value(x + left + wide)
    elif one.tag == f"{SVG}line" and one.get("stroke") == INTERVAL:
        ends = sorted((x, x + float(one.get("x2") or 0)))
        row(y).numbers.update(zip(("lower", "upper"), map(value, ends), strict=True))


class Study:
    """The csv tables of a run, and what its labels.json calls things in the run's language."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.lang = self.facts["lang"]
        self.variables = {one["name"]: one for one in self.facts["variables"]}
        self.collapses = (
            list(self.facts["collapses"].values())
            if isinstance(self.facts["collapses"], dict)
            else self.facts["collapses"]
        )
        table = pd.read_csv(folder / "comparison.csv", keep_default_na=False, na_values=[""])
        self.comparison = table.fillna({"by": "", "group": ""})

    def variable(self, name: str) -> str:
        return self.variables[name][self.lang] or name

    def category(self, outcome: str, name: str) -> str:
        for one in self.variables[outcome]["levels"]:
            if one["id"] == name:
                return one[self.lang] or name
        found = [one for one in self.collapses if one["variable"] == outcome and one["id"] == name]
        return (found[0][self.lang] if found else "") or name

    def is_together(self, outcome: str, name: str) -> bool:
        return name not in [one["id"] for one in self.variables[outcome]["levels"]]

    def group(self, group: str) -> str:
        if not group:
            return {"nl": "iedereen", "en": "everyone", "de": "alle"}[self.lang]
        return " · ".join(self.category(*part.split("=", 1)) for part in group.split(";"))

    def model(self, outcome: str) -> str:
        """The model that a figure shows an outcome of."""
        rows = self.comparison[self.comparison["outcome"] == outcome]
        models = list(dict.fromkeys(rows["model"]))
        primary = [name for name in models if self.facts["declared"]["models"].get(name, {}).get("primary")]
        return (primary or models)[0]

    def shown(self, outcome: str, by: str) -> pd.DataFrame:
        """The rows that a figure shows: of one model, the total where its direct effect is reported too, else what is not the total."""
        rows = self.comparison[(self.comparison["model"] == self.model(outcome)) & (self.comparison["by"] == by)]
        rows = rows[~rows["group"].astype(str).str.contains(" or ", regex=False)]  # joined for a claim, in no figure
        every = list(dict.fromkeys(rows["estimand"]))
        names = [name for name in every if name != "total"] or every
        if "total" in every and {"direct", "conditional"} & set(every):
            names = ["total"]
        return rows[rows["estimand"] == names[0]] if names else rows


Line = tuple[str, str, str, pd.Series]  # heading, header, label, row of the comparison


def expected_lines(study: Study, kind: str, outcomes: list[str], by: str, wanted: list[str]) -> list[Line]:
    """Every line of a figure in its order, from the csv."""
    tables = {outcome: study.shown(outcome, by) for outcome in outcomes}
    lines: list[Line] = []
    if kind == "paired":
        pairs = list(zip(outcomes, wanted, strict=True))
        groups = dict.fromkeys(group for table in tables.values() for group in table["group"])
        for group in groups:
            for outcome, category in pairs:
                own = tables[outcome]
                rows = own[(own["group"] == group) & (own["category"] == category)]
                lines += [("", study.group(group), study.variable(outcome), row) for _, row in rows.iterrows()]
        return lines
    for outcome, table in tables.items():
        ask = study.variable(outcome)
        if kind == "matrix":
            for group, rows in table.groupby("group", sort=False):
                kept = [
                    row
                    for _, row in rows.iterrows()
                    if (row["category"] in wanted if wanted else not study.is_together(outcome, row["category"]))
                ]
                lines += [(ask, study.group(str(group)), study.category(outcome, row["category"]), row) for row in kept]
            continue
        for category, rows in table.groupby("category", sort=False):
            if wanted and category not in wanted:
                continue
            name = study.category(outcome, str(category))
            for _, row in rows.iterrows():
                if by:
                    lines.append(("", f"{ask} · {name}" if len(outcomes) > 1 else name, study.group(row["group"]), row))
                else:
                    lines.append(("", ask if len(outcomes) > 1 else "", name, row))
    return lines


def bare(text: str) -> str:
    """A text without its spaces: lines of a drawing may break anywhere."""
    return re.sub(r"\s", "", text)


def check_figure(paths: list[Path], study: Study, kind: str, outcomes: list[str], by: str, wanted: list[str]) -> int:
    """Hold the sheets of one figure against the csv, panel by panel; gives how many numbers were compared."""
    drawn = [(panel, row) for path in paths for panel in read_figure(path).panels for row in panel.rows]
    lines = expected_lines(study, kind, outcomes, by, wanted)
    told = [tuple(map(bare, (panel.heading, row.header, row.label))) for panel, row in drawn]
    assert told == [tuple(map(bare, line[:3])) for line in lines]
    compared = 0
    for (panel, row), (_, _, _, source) in zip(drawn, lines, strict=True):
        numbers = numbers_of(source)
        assert set(row.numbers) == set(numbers), (paths, row)
        for name, percent in numbers.items():
            most = 0.1 if name == "published" else panel.precision  # a tick's middle is that of its 2.5 pixels, rounded
            assert abs(row.numbers[name] - percent) <= most + 1e-9, (paths, panel.heading, row, name, percent)
        if row.written:
            assert row.written == written_numbers(source, study.lang), (paths, row)
        compared += len(numbers)
    return compared


def numbers_of(source: pd.Series) -> dict[str, float]:
    """What a line shows, in percent: marks of missing numbers are not drawn."""
    engine = "likelihood" if pd.notna(source["adjusted_likelihood"]) else "bayes"
    columns = {
        "raw": "raw", "adjusted": f"adjusted_{engine}", "lower": f"adjusted_{engine}_lower", "upper": f"adjusted_{engine}_upper",
        "published": "published", "published_lower": "published_lower", "published_upper": "published_upper",
    }  # fmt: skip
    return {name: 100 * float(source[column]) for name, column in columns.items() if pd.notna(source[column])}


def written_numbers(source: pd.Series, lang: str) -> str:
    """The numbers beside a line: raw and adjusted, with one decimal."""
    numbers = numbers_of(source)
    before = (
        decimal(numbers["raw"], lang)
        if "raw" in numbers
        else {"nl": "onderdrukt", "en": "suppressed", "de": "unterdrückt"}[lang]
    )
    return f"{before} → {decimal(numbers['adjusted'], lang)}" if "adjusted" in numbers else before


def decimal(percent: float, lang: str) -> str:
    """A percentage as the drawings write it."""
    text = f"{percent:.1f}"
    return text.replace(".", ",") if lang in ("nl", "de") else text


def declared_figures(study: Study) -> dict[str, tuple[str, list[str], str, list[str]]]:
    """Kind, outcomes, grouping and answers of every figure, as the study declares them."""
    return {
        one["id"]: (one["kind"], one["outcomes"], ";".join(one["by"]), one["categories"])
        for one in study.facts["declared"]["figures"]
    }


def sheets_of(folder: Path, name: str) -> list[Path]:
    """The files of a figure: one, or its sheets in their order."""
    one = folder / f"{name}.svg"
    sheets = sorted(folder.glob(f"{name}-sheet-*.svg"), key=lambda path: int(path.stem.rpartition("-")[2]))
    assert one.is_file() != bool(sheets)
    return [one] if one.is_file() else sheets


def check_picture(svg: Path) -> None:
    """The PNG beside a drawing has its size, three pixels per point, and shows it: ink where the drawing has some."""
    from PIL import Image

    figure = read_figure(svg)
    with Image.open(svg.with_suffix(".png")) as picture:
        assert (picture.width, picture.height) == (3 * figure.width, 3 * figure.height)
        pixels = np.asarray(picture.convert("RGB"))
    for one, x, y in _placed(ElementTree.parse(svg).getroot()):
        if one.tag == f"{SVG}path" and one.get("fill") == ADJUSTED:
            np.testing.assert_allclose(
                pixels[round(3 * y), round(3 * x)], [11, 95, 165], atol=30, err_msg=f"{svg}: {x}, {y}"
            )


def suggested_figures(study: Study) -> dict[str, tuple[str, list[str], str, list[str]]]:
    """The figures of a study that declares none: outcomes with the same answers together, in the order of the csv."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for outcome in dict.fromkeys(study.comparison["outcome"]):
        alike.setdefault(tuple(one["id"] for one in study.variables[outcome]["levels"]), []).append(outcome)
    found: dict[str, tuple[str, list[str], str, list[str]]] = {}
    for at, outcomes in enumerate(alike.values(), start=1):
        rows = study.comparison[study.comparison["model"] == study.model(outcomes[0])]
        by = next((one for one in dict.fromkeys(rows["by"]) if one), "")
        found[f"figure-{at}"] = ("matrix" if len(outcomes) > 1 else "answers", outcomes, by, [])
    return found
