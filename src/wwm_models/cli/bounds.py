"""The command `wwm bounds` and what it prints: limits of every number, a verdict on every claim, and how both depend on the interaction.

It needs neither engines nor the line of a study, and does not import them.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.article import read_article
from wwm_models.article.bounds import BoundsResult, read_margins
from wwm_models.article.bounds import bounds as allowed_by
from wwm_models.cli.main import DONE
from wwm_models.cli.written import csv_file
from wwm_models.declared.folders import study_folder

WIDTH = 118


def bounds(options: argparse.Namespace) -> int:
    """What the printed numbers of a study alone allow."""
    out = csv_file(options.out) if options.out else None
    folder = study_folder(options.study)
    article = read_article(folder / "article.toml")
    margins = read_margins(options.margins or folder / "margins.toml", folder / "codebook.toml")
    found = allowed_by(article, margins, lang=options.lang)
    print(bounds_text(found))
    if out is not None:
        _write(found, folder.resolve().name, out)
    return DONE


def _write(found: BoundsResult, study: str, out: Path) -> None:
    from wwm_models.store import write_table
    from wwm_models.study.bounds import bounds_csv

    write_table(bounds_csv(found, study), out)


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
