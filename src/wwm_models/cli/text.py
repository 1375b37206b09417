"""Tables as plain text for a terminal or a pipe."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from wwm_models.article.rules import rules_text
from wwm_models.report.claims import ClaimLine, Ledger
from wwm_models.report.texts import texts

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


def claims_text(ledger: Ledger, kinds: Iterable[str], lang: str = "en", level: float = 0.95) -> str:
    """Every claim with its verdicts, what had to be true, the numbers behind them, and the rules.

    Parameters
    ----------
    ledger : Ledger
    kinds : iterable of str
        Of the claims, for the rules.
    lang : {"nl", "en"}
    level : float
        Of the run's intervals.
    """
    words, lines = texts(lang), list[str]()
    for claim in ledger.lines:
        lines.append(_verdicts(claim, words, lang))
        lines += _wrapped(claim.statement.of(lang), "     ")
        for at, rule in enumerate(claim.rule):
            lines += _wrapped(("" if at else f"{words['claim_rule']}: ") + rule.of(lang), "     = ")
        lines += _wrapped(claim.reason.of(lang), "     > ")
    if ledger.lines:
        lines += ["", words["rule"]]
        lines += [part for rule in rules_text(kinds, lang, level) for part in _wrapped(rule, "  - ")]
    counts = ", ".join(f"{count} {verdict.label.of(lang)}" for verdict, count in ledger.tally)
    number = "statement" if len(ledger.lines) == 1 else "statements"
    lines.append(f"{len(ledger.lines)} {words[number]}: {counts}")
    return "\n".join(lines)


def _verdicts(claim: ClaimLine, words: Mapping[str, str], lang: str) -> str:
    """The first line of a claim."""
    shown = [] if claim.published is None else [f"{words['published']}: {claim.published.written(lang)}"]
    shown += [
        f"{words[name]}: {verdict.label.of(lang)}"
        for name, verdict in (("raw", claim.raw), ("adjusted", claim.likelihood))
        if verdict.word
    ]
    shown += (
        [] if math.isnan(claim.bayes.value) else [f"{words['column_bayes_probability']}: {claim.bayes.written(lang)}"]
    )
    return f"{claim.id}  {claim.verdict.label.of(lang).upper()}" + (f" ({', '.join(shown)})" if shown else "")


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))
