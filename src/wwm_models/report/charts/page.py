"""What the page needs to draw by itself: the libraries in one text, and both specifications compiled to Vega."""

from __future__ import annotations

import importlib.util
import json
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from wwm_models.report.charts.specs import FONT, bars, dots

CONFIG = {"view": {"stroke": None}, "font": FONT, "aria": False, "background": None}


@cache
def library() -> Future[tuple[str, str]]:
    """`bundle` and `templates`, being made in a thread: they depend on no number, so a run begins on them before its fits.

    The libraries that write tables and pictures are imported there too.
    """
    return ThreadPoolExecutor(1).submit(_made)


def _made() -> tuple[str, str]:
    made = bundle(), templates()
    for name in ("great_tables", "PIL.Image", "docx"):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    return made


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
