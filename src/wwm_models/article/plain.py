"""An article as JSON can hold it, so that a page can be written again from a results folder."""

from __future__ import annotations

from typing import Any

from wwm_models.article.figures import Figure
from wwm_models.article.reader import Article, Claim, Reference


def as_plain(article: Article) -> dict[str, Any]:
    """Claims and figures as nested dicts and lists.

    Parameters
    ----------
    article : Article

    Returns
    -------
    dict
        "estimand", "claims", "figures" and "translations".
    """
    return {
        "estimand": article.estimand,
        "claims": [_claim(claim) for claim in article.claims],
        "figures": [_figure(figure) for figure in article.figures],
        "translations": dict(article.translations),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "kind": claim.kind,
        **claim.statement,
        "references": [{"role": role, **_reference(at)} for role, at in claim.references.items()],
        "numbers": dict(claim.numbers),
        "rounding": claim.rounding,
        "margin_by": claim.margin_by,
        "estimand": claim.estimand,
        "missing": claim.missing,
        "parts": [_claim(part) for part in claim.parts],
    }


def _reference(at: Reference) -> dict[str, Any]:
    return {"outcome": at.outcome, "category": at.category, "group": dict(at.group)}


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "id": figure.id,
        "kind": figure.kind,
        "outcomes": list(figure.outcomes),
        "by": list(figure.by),
        "categories": list(figure.categories),
        "where": figure.where,
        **figure.titles,
    }
