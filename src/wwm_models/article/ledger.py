"""The ledger: every claim of an article with its verdicts on printed, raw and adjusted numbers, and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from wwm_models.article.judge import Evidence, Sources, judge
from wwm_models.article.printed import printed_numbers, printed_text
from wwm_models.article.reader import Article
from wwm_models.article.rules import UNTESTABLE
from wwm_models.stages import Stages, Whole

COLUMNS = (
    "id", "statement", "where", "kind", "published", "raw_verdict", "likelihood_verdict", "bayes_probability", "verdict", "reason",
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
    lang : {"nl", "en"}
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
    each = stages or Whole()
    for claim in article.claims:
        judged = partial(judge, claim, sources[claim.estimand or article.estimand])
        evidence = each.attempt(f"claim {claim.id}", judged, otherwise=_UNTESTED)
        rows.append(
            {
                "id": claim.id,
                "statement": claim.statement[lang],
                "where": claim.where,
                "kind": claim.kind,
                "published": printed_text(claim, printed),
                **_verdicts(evidence),
            }
        )
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _verdicts(evidence: Evidence) -> dict[str, object]:
    return {
        "raw_verdict": evidence.raw,
        "likelihood_verdict": evidence.likelihood,
        "bayes_probability": evidence.probability,
        "verdict": evidence.verdict,
        "reason": evidence.reason,
    }
