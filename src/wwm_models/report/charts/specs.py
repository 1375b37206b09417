"""The two specifications every chart is made of.

Rows carry their place (`y`, pixels) and their values (percent). Parameters (colours, the end of the axis, what is shown) stand
in the specification with their values for print; the page overwrites them.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from wwm_models.report.charts.layout import HEADING, LABEL

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
    alt = altair()
    base = alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("y:Q", scale=None, axis=None))
    percent = alt.Scale(domain=[alt.ExprRef("bottom"), alt.ExprRef("top")], nice=False, zero=False)
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
    alt = altair()
    base = alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("y:Q", scale=None, axis=None))
    percent = alt.Scale(domain=[alt.ExprRef("bottom"), alt.ExprRef("top")], nice=False, zero=False)
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
