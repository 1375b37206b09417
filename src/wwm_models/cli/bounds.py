"""What `wwm bounds` prints: limits of every number, a verdict on every claim, and how both depend on the interaction."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.article.bounds import BoundsResult

WIDTH = 118


def bounds_text(found: BoundsResult) -> str:
    """The tables of bounds as lines of text."""
    smallest = float(found.curve["delta"].min())
    near = found.curve[found.curve["delta"] == smallest].set_index("id")
    parts = [
        "Bounds from the printed article alone, percent: smallest and largest adjusted value. Bounds are not estimates.",
        f"Margins: {found.margins.label}",
        *found.notes,
        "",
        f"{'number':<8}{'group':<36}{'answer':<24}{'printed':>10}  {'any table':<16}"
        f"{f'interaction <= {100 * smallest:g}':<18}{'entropy':>7}  narrows most",
    ]
    numbers = found.table[found.table["kind"] == "number"]
    parts += [_number_line(row, near.loc[row["id"]]) for row in numbers.to_dict(orient="records")]
    parts.append("")
    parts += [line for row in found.claims.to_dict(orient="records") for line in _claim_lines(row)]
    counts = found.claims["verdict"].value_counts()
    parts.append(f"{len(found.claims)} claims: {', '.join(f'{count} {word}' for word, count in counts.items())}")
    return "\n".join(parts)


def _number_line(row: Mapping[Hashable, Any], near: pd.Series) -> str:
    printed = _interval(row["published_lower"], row["published_upper"]) if np.isfinite(row["published_lower"]) else "-"
    telling = (
        f"{row['narrows_most']}: {_interval(row['narrowed_lower'], row['narrowed_upper'])}"
        if row["narrows_most"]
        else "-"
    )
    return (
        f"{row['id']:<8}{(row['group'] or 'everyone')[:35]:<36}{row['category'][:23]:<24}{printed:>10}  "
        f"{_interval(row['lower'], row['upper']):<16}{_interval(near['lower'], near['upper']):<18}"
        f"{100 * row['max_entropy']:>7.1f}  {telling}"
    )


def _claim_lines(row: Mapping[Hashable, Any]) -> list[str]:
    limit = row["decided_up_to"]
    also = (
        f" ({row['decided']} with an interaction of at most {100 * limit:g} points)"
        if np.isfinite(limit) and row["decided"] != row["verdict"]
        else ""
    )
    lines = [f"{row['id']}  {str(row['verdict']).upper()}{also}"]
    lines += textwrap.wrap(str(row["statement"]), WIDTH, initial_indent="     ", subsequent_indent="     ")
    lines += textwrap.wrap(str(row["reason"]), WIDTH, initial_indent="     > ", subsequent_indent="       ")
    return lines


def _interval(lower: float, upper: float) -> str:
    return "no table" if np.isnan(lower) else f"{100 * lower:.1f} to {100 * upper:.1f}"
