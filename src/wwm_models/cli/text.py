"""Tables as plain text for a terminal or a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from wwm_models.article.rules import rules_text

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


def claims_text(table: pd.DataFrame, level: float = 0.95) -> str:
    """Every claim with its verdicts, the numbers behind them, and the rules; `level` is that of the run's intervals."""
    lines: list[str] = []
    for row in table.astype(object).where(table.notna(), "").to_dict(orient="records"):
        parts = [("printed", row["published"]), ("raw", row["raw_verdict"]), ("adjusted", row["likelihood_verdict"])]
        shown = [f"{name}: {value}" for name, value in parts if value]
        shown += [] if row["bayes_probability"] == "" else [f"probability: {row['bayes_probability']:.2f}"]
        raw = f" ({', '.join(shown)})" if shown else ""
        lines.append(f"{row['id']}  {str(row['verdict']).upper()}{raw}")
        lines += textwrap.wrap(str(row["statement"]), WIDTH, initial_indent="     ", subsequent_indent="     ")
        lines += textwrap.wrap(str(row["reason"]), WIDTH, initial_indent="     > ", subsequent_indent="       ")
    if len(table):
        lines += ["", "Rules"]
        for rule in rules_text(table["kind"], "en", level):
            lines += textwrap.wrap(rule, WIDTH, initial_indent="  - ", subsequent_indent="    ")
    counts = table["verdict"].value_counts()
    lines.append(f"{len(table)} claims: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}")
    return "\n".join(lines)
