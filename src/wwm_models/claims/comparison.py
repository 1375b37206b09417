"""An article held against estimates: the comparison of every number, and the ledger of every claim.

`comparison_table` has published, raw and adjusted in one row, with adjusted minus raw and its standard error. `claims_table` is the ledger: every
claim with its verdicts on printed, raw and adjusted numbers, and the reason. `compare` gives both for estimates made in Python, in one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import confidence_level
from wwm_models.claims.article import Article, Claim
from wwm_models.claims.claimed_quantities import UNTESTABLE, rules_text
from wwm_models.claims.contradictions import contradicting
from wwm_models.claims.lookup import FoundEstimate, error_of, pool_of
from wwm_models.claims.reasons import parts_of
from wwm_models.claims.verdicts import Evidence, Sources, judge, printed_numbers, printed_text, warnings_of
from wwm_models.errors import ArticleError, did_you_mean, listed
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joint_distribution import joint_distribution
from wwm_models.estimates.number_key import group_text, keys_of, written_group, written_keys
from wwm_models.estimates.raw import with_suppressed
from wwm_models.messages import in_language, language_problem, listed_as, say, together
from wwm_models.numerics.arrays import Array
from wwm_models.stages import AllOrNothing, Stages

NOT_ADJUSTED = "not adjusted"  # the estimand of a printed number that stands beside raw alone
COMPARISON_COLUMNS = (
    "estimand", "outcome", "category", "by", "group", "published", "published_lower", "published_upper", "raw", "raw_lower", "raw_upper",
    "adjusted_likelihood", "adjusted_likelihood_lower", "adjusted_likelihood_upper",
    "adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper", "difference", "difference_se", "count", "n",
)  # fmt: skip


def comparison_table(
    article: Article,
    estimand: str,
    raw: Estimates,
    likelihood: Estimates | None,
    bayes: Estimates | None = None,
    *,
    suppress_below: int = 0,
) -> pd.DataFrame:
    """One row per group and answer.

    Parameters
    ----------
    article : Article
    estimand : str
        Short name of the adjusted numbers' estimand.
    raw : Estimates
    likelihood, bayes : Estimates or None
        Adjusted, of the same outcome and by the same variables; one of the two at least.
    suppress_below : int
        Raw numbers on fewer respondents are left out, and with them the difference.

    Returns
    -------
    DataFrame
        With `COLUMNS`; probabilities in 0..1. The difference is that of the likelihood: a posterior has no joint law with raw.

    Raises
    ------
    ArticleError
        If there is neither a likelihood nor a posterior.
    """
    base = likelihood or bayes
    if base is None:
        raise ArticleError(
            "A comparison was asked for without adjusted numbers. Give those of a fit, of a posterior, or of both."
        )
    place = _rows_of(raw, base)
    own = {name: _taken(raw, name, place) for name in ("estimate", "lower", "upper", "count", "n")}
    shown = np.isfinite(own["estimate"]) & (own["n"] >= max(suppress_below, 1))
    columns: dict[str, object] = {
        "estimand": estimand,
        "outcome": base.table["outcome"],
        "category": base.table["category"].astype(str),
        "by": ";".join(base.by),
        "group": group_text(base.table, base.by),
        "n": own["n"],
    }
    for column, name in (("raw", "estimate"), ("raw_lower", "lower"), ("raw_upper", "upper"), ("count", "count")):
        columns[column] = np.where(shown, own[name], np.nan)
    for engine, found in (("likelihood", likelihood), ("bayes", bayes)):
        columns |= _of_engine(engine, found, base)
    if likelihood is not None:
        difference, difference_se = _difference(raw, likelihood, np.where(shown, place, 0), shown)
        columns |= {"difference": difference, "difference_se": difference_se}
    unions = _joined_rows(article, estimand, with_suppressed(raw, suppress_below), likelihood, bayes)
    return _with_published(_stacked(pd.DataFrame(columns), unions), article)


def printed_beside_raw(article: Article, raw: Estimates, *, suppress_below: int = 0) -> pd.DataFrame:
    """One row per printed number that these raw percentages have, without adjusted numbers: raw needs no model.

    Parameters
    ----------
    article : Article
    raw : Estimates
    suppress_below : int
        Raw numbers on fewer respondents are left out.

    Returns
    -------
    DataFrame
        With `COLUMNS`; the estimand is `NOT_ADJUSTED`.
    """
    table = raw.table
    shown = np.isfinite(table["estimate"].to_numpy(dtype=float)) & (table["n"].to_numpy() >= max(suppress_below, 1))
    columns: dict[str, object] = {
        "estimand": NOT_ADJUSTED, "outcome": table["outcome"], "category": table["category"].astype(str), "by": ";".join(raw.by),
        "group": group_text(table, raw.by), "n": table["n"],
    }  # fmt: skip
    for column, name in (("raw", "estimate"), ("raw_lower", "lower"), ("raw_upper", "upper"), ("count", "count")):
        columns[column] = np.where(shown, table[name].to_numpy(dtype=float), np.nan)
    unions = _joined_rows(article, NOT_ADJUSTED, with_suppressed(raw, suppress_below))
    made = _with_published(_stacked(pd.DataFrame(columns), unions), article)
    return made[made["published"].notna()].reset_index(drop=True)


def _rows_of(found: Estimates, base: Estimates) -> NDArray[np.intp]:
    """Where the group and answer of every row of `base` stand in other estimates; -1 for nowhere."""
    place = {key: row for row, key in enumerate(keys_of(found.table, base.by))}
    return np.array([place.get(key, -1) for key in keys_of(base.table, base.by)], dtype=np.intp)


def _taken(found: Estimates, name: str, rows: NDArray[np.intp]) -> Array:
    return np.where(rows >= 0, found.table[name].to_numpy(dtype=float)[rows], np.nan)


def _of_engine(engine: str, found: Estimates | None, base: Estimates) -> dict[str, Array]:
    """Estimate and limits of one engine in the rows of the comparison."""
    names = {"estimate": f"adjusted_{engine}", "lower": f"adjusted_{engine}_lower", "upper": f"adjusted_{engine}_upper"}
    if found is None:
        return {column: np.full(len(base.table), np.nan) for column in names.values()}
    rows = _rows_of(found, base)
    return {column: _taken(found, name, rows) for name, column in names.items()}


def _difference(
    raw: Estimates, adjusted: Estimates, raw_rows: NDArray[np.intp], shown: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Adjusted minus raw, and its standard error from the respondents' joint influence or the replicates."""
    rows = np.arange(len(adjusted.table))
    plus, minus = np.eye(len(rows)), np.zeros((len(rows), len(raw.table)))
    minus[rows, raw_rows] = -1.0
    value = adjusted.table["estimate"].to_numpy(dtype=float) - raw.table["estimate"].to_numpy(dtype=float)[raw_rows]
    law = joint_distribution([(adjusted, plus), (raw, minus)])
    known = law.contributions is not None or law.replicated is not None
    std_error = law.std_error if known else np.full(len(rows), np.nan)
    return np.where(shown, value, np.nan), np.where(shown, std_error, np.nan)


def _joined_rows(
    article: Article, estimand: str, raw: Estimates, likelihood: Estimates | None = None, bayes: Estimates | None = None
) -> list[dict[str, object]]:
    """A row for every number of the article that is of levels joined, by the variables of these tables."""
    outcome, shares = str(raw.table["outcome"].iloc[0]), pool_of([raw])
    pools = {
        engine: None if one is None else pool_of([one], shares)
        for engine, one in zip(ENGINES, (likelihood, bayes), strict=True)
    }
    wanted = {
        at.key: at for at in article.references() if at.joined and at.outcome == outcome and set(at.by) == set(raw.by)
    }
    rows: list[dict[str, object]] = []
    for at in wanted.values():
        own, level = shares.find(at), dict(at.group)
        adjusted = {engine: None if pool is None else pool.find(at) for engine, pool in pools.items()}
        if own is None and not any(adjusted.values()):
            continue
        row: dict[str, object] = {
            "estimand": estimand, "outcome": outcome, "category": at.category, "by": ";".join(raw.by),
            "group": written_group((name, level[name]) for name in raw.by), **_of_found("raw", own),
        }  # fmt: skip
        for engine, found in adjusted.items():
            row |= _of_found(f"adjusted_{engine}", found)
        if own is not None:
            row |= {"n": own.n, "count": float(own.source.table["count"].iloc[own.row])}
        fitted = adjusted["likelihood"]
        if own is not None and fitted is not None:
            error, _ = error_of([fitted, own], np.array([1.0, -1.0]))
            row |= {"difference": fitted.estimate - own.estimate, "difference_se": error}
        rows.append(row)
    return rows  # fmt: skip


def _of_found(name: str, found: FoundEstimate | None) -> dict[str, float]:
    if found is None:
        return {}
    return {name: found.estimate, f"{name}_lower": found.lower, f"{name}_upper": found.upper}


def _stacked(table: pd.DataFrame, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """The table with more rows under it, all with the columns of a comparison."""
    whole = table.reindex(columns=list(COMPARISON_COLUMNS))
    if not rows:
        return whole
    more = pd.DataFrame([dict(row) for row in rows]).reindex(columns=list(COMPARISON_COLUMNS))
    return pd.DataFrame({name: np.concatenate([whole[name].to_numpy(), more[name].to_numpy()]) for name in whole})


def _with_published(table: pd.DataFrame, article: Article) -> pd.DataFrame:
    printed = {at.key: number for at, number in article.slots().items()}
    values = np.full((len(table), 3), np.nan)
    for row, key in enumerate(written_keys(table) if printed else ()):
        number = printed.get(key)
        if number is not None and number.value is not None and number.limits is not None:
            values[row] = number.value / 100.0, *number.limits
    return table.assign(published=values[:, 0], published_lower=values[:, 1], published_upper=values[:, 2])


CLAIM_COLUMNS = (
    "id", "statement", "where", "kind", "estimand", "published", "raw_verdict", "likelihood_verdict", "bayes_probability", "verdict", "reason",
)  # fmt: skip


_UNTESTED = Evidence("", "", UNTESTABLE, "the judgement of this claim failed: see what is not usable in this run")


def claims_table(
    article: Article, sources: Mapping[str, Sources], lang: str, stages: Stages | None = None
) -> pd.DataFrame:
    """One row per claim, in the order of the article, without the study columns.

    Parameters
    ----------
    article : Article
    sources : mapping of estimand to Sources
        At least of every estimand that a claim names, or the article for it.
    lang : str
        Of the statements.
    stages : Stages, optional
        Every claim is one; a claim that fails cannot be tested. Without it none may fail.

    Returns
    -------
    DataFrame
        With `COLUMNS`.
    """
    printed = printed_numbers(article)
    rows: list[dict[str, object]] = []
    against = contradicting(article)
    each = stages or AllOrNothing()
    for claim in article.claims:
        judged = partial(judge, claim, sources[article.asked_of(claim)])
        evidence = each.attempt(say("claim_of", claim=claim.id), judged, otherwise=_UNTESTED)
        untested = claim.missing or evidence.verdict == UNTESTABLE
        warned = [] if untested else warnings_of(claim, sources[article.asked_of(claim)])
        rows.append(
            {
                "id": claim.id,
                "statement": in_language(claim.statement, lang),
                "where": claim.where,
                "kind": claim.kind,
                "estimand": article.estimands_of(claim),
                "published": printed_text(claim, printed),
                **_verdicts(evidence),
                "reason": together(evidence.reason, *warned, *_beside_others(claim, against.get(claim.id, ()), lang)),
            }
        )
    return pd.DataFrame(rows, columns=pd.Index(CLAIM_COLUMNS))


def _beside_others(claim: Claim, against: Sequence[str], lang: str) -> list[str]:
    """What is said of a claim beside other claims: which it contradicts, and in which it is counted."""
    others, said = [name for name in against if name != claim.id], list[str]()
    if len(others) < len(against):
        said.append(say("contradicts_itself", lang))
    if others:
        said.append(say("contradicts", lang, claims=listed_as(others)))
    return said + ([say("counted_in", lang, claims=listed_as(claim.counted_in))] if claim.counted_in else [])


def _verdicts(evidence: Evidence) -> dict[str, object]:
    return {
        "raw_verdict": evidence.raw,
        "likelihood_verdict": evidence.likelihood,
        "bayes_probability": evidence.probability,
        "verdict": evidence.verdict,
    }


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
    lang : str
        Language of the texts: "de", "en" or "nl".

    Returns
    -------
    Comparison

    Raises
    ------
    ArticleError
        If an engine is not known, or an adjusted table has no raw table of its outcome by its variables.
    """
    confidence_level(level)
    if language_problem(lang):
        raise ArticleError(language_problem(lang))
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
    every = pool_of(shares.values())
    pools = {engine: pool_of(tables.values(), every) if tables else None for engine, tables in found.items()}
    sources = Sources(every, pools["likelihood"], pools["bayes"], parts_of(why), level, lang)
    names = {article.asked_of(claim) for claim in article.claims}
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    kinds = {kind for claim in article.claims for kind in (claim.kind, *(part.kind for part in claim.parts))}
    ledger = claims_table(article, dict.fromkeys(names, sources), lang)
    return Comparison(table, ledger, tuple(rules_text(kinds, lang, level)))


def _by_place(given: Given) -> dict[tuple[str, tuple[str, ...]], Estimates]:
    every = [given] if isinstance(given, Estimates) else list(given)
    return {(str(one.table["outcome"].iloc[0]), one.by): one for one in every}
