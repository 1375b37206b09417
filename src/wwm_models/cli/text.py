"""Tables as plain text for a terminal or a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

WIDTH = 118


def comparison_text(table: pd.DataFrame) -> str:
    """Raw, adjusted and published percentages, model by model."""
    blocks: list[str] = []
    for (model, estimand), rows in table.groupby(["model", "estimand"], sort=False):
        lines = [f"{model} ({estimand}), percent; data: {rows['data'].iloc[0]}"]
        lines.append(
            f"{'group':<38} {'answer':<24} {'printed':>8} {'raw':>7} {'adjusted':>9}  {'95% interval':<15} {'n':>6}"
        )
        lines += [_comparison_line(row) for row in rows.to_dict(orient="records")]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _comparison_line(row: Mapping[Hashable, Any]) -> str:
    low, high = _percent(row["adjusted_likelihood_lower"]), _percent(row["adjusted_likelihood_upper"])
    group = str(row["group"]) if isinstance(row["group"], str) else "everyone"
    n = row["n"]
    return (
        f"{group[:38]:<38} {str(row['category'])[:24]:<24} {_percent(row['published'], 0):>8} {_percent(row['raw']):>7} "
        f"{_percent(row['adjusted_likelihood']):>9}  {f'{low} to {high}':<15} {'' if pd.isna(n) else f'{n:.0f}':>6}"
    )


def _percent(value: object, digits: int = 1) -> str:
    number = float(str(value))
    return "-" if pd.isna(number) else f"{100 * number:.{digits}f}"


def claims_text(table: pd.DataFrame) -> str:
    """Every claim with its verdicts and the numbers behind them."""
    lines: list[str] = []
    for row in table.fillna("").to_dict(orient="records"):
        adjusted = f", adjusted: {row['likelihood_verdict']}" if row["likelihood_verdict"] else ""
        raw = f" (raw: {row['raw_verdict']}{adjusted})" if row["raw_verdict"] else ""
        lines.append(f"{row['id']}  {str(row['verdict']).upper()}{raw}")
        lines += textwrap.wrap(str(row["statement"]), WIDTH, initial_indent="     ", subsequent_indent="     ")
        lines += textwrap.wrap(str(row["reason"]), WIDTH, initial_indent="     > ", subsequent_indent="       ")
    counts = table["verdict"].value_counts()
    lines.append(f"{len(table)} claims: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}")
    return "\n".join(lines)
