"""An article held against estimates made in Python: the comparison and the ledger in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from wwm_models.arguments import confidence_level
from wwm_models.article.comparison import comparison_table
from wwm_models.article.judge import Sources
from wwm_models.article.ledger import claims_table
from wwm_models.article.pool import pool_of
from wwm_models.article.reader import Article
from wwm_models.article.reasons import parts_of
from wwm_models.article.rules import rules_text
from wwm_models.errors import ArticleError, did_you_mean, listed
from wwm_models.records import Estimates

ENGINES = ("likelihood", "bayes")
Given = Estimates | Sequence[Estimates]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What an article prints beside what the data say.

    Attributes
    ----------
    table : DataFrame
        Published beside raw beside adjusted, with adjusted minus raw and its standard error.
    claims : DataFrame
        One verdict per claim, with the reason.
    rules : tuple of str
        The rule behind each kind of verdict.
    """

    table: pd.DataFrame
    claims: pd.DataFrame
    rules: tuple[str, ...]

    def _repr_html_(self) -> str:
        return f"{self.table.to_html()}{self.claims.to_html()}"


def compare(
    article: Article,
    *,
    raw: Given,
    adjusted: Mapping[str, Given],
    why: Sequence[pd.DataFrame] = (),
    level: float = 0.95,
    lang: str = "en",
) -> Comparison:
    """Hold an article's printed numbers and claims against raw and adjusted estimates.

    Parameters
    ----------
    article : Article
        As `read_article` gives it.
    raw : Estimates or sequence of Estimates
        Raw shares, one table per outcome and set of by-variables.
    adjusted : mapping of engine to Estimates or sequence of Estimates
        "likelihood", "bayes" or both; all under one estimand.
    why : sequence of DataFrame, optional
        What `decompose` gives, so that a verdict that adjustment changes names its cause.
    level : float
        Of the intervals, above 0 and below 1.
    lang : {"nl", "en"}

    Returns
    -------
    Comparison

    Raises
    ------
    ArticleError
        If an engine is not known, or an adjusted table has no raw table of its outcome by its variables.
    """
    confidence_level(level)
    for name in adjusted:
        if name not in ENGINES:
            raise ArticleError(
                f'adjusted names the engine "{name}". Expected "likelihood" or "bayes".{did_you_mean(name, ENGINES)}'
            )
    shares = _by_place(raw)
    found = {engine: _by_place(adjusted.get(engine, ())) for engine in ENGINES}
    rows: list[pd.DataFrame] = []
    for place in dict.fromkeys([*found["likelihood"], *found["bayes"]]):
        if place not in shares:
            outcome, by = place
            raise ArticleError(
                f"There are adjusted numbers of {outcome} by {listed(by) or 'nothing'}, but no raw ones. "
                f'Add wwm.raw(survey, "{outcome}", {list(by)!r}) to `raw`.'
            )
        pair = (found[engine].get(place) for engine in ENGINES)
        rows.append(comparison_table(article, article.estimand, shares[place], *pair))
    pools = {engine: pool_of(tables.values()) if tables else None for engine, tables in found.items()}
    sources = Sources(pool_of(shares.values()), pools["likelihood"], pools["bayes"], parts_of(why), level, lang)
    names = {claim.estimand or article.estimand for claim in article.claims}
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    kinds = {kind for claim in article.claims for kind in (claim.kind, *(part.kind for part in claim.parts))}
    ledger = claims_table(article, dict.fromkeys(names, sources), lang)
    return Comparison(table, ledger, tuple(rules_text(kinds, lang, level)))


def _by_place(given: Given) -> dict[tuple[str, tuple[str, ...]], Estimates]:
    every = [given] if isinstance(given, Estimates) else list(given)
    return {(str(one.table["outcome"].iloc[0]), one.by): one for one in every}
