"""What the page needs to draw by itself: the libraries in one text, and both specifications compiled to Vega."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from wwm_models.many import begin
from wwm_models.report.charts.specs import FONT, bars, dots

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
