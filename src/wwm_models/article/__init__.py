"""The article as data: its printed numbers, its sentences as checkable claims, and both held against estimates.

What holds claims against estimates is imported when it is asked for: bounds from the printed article alone need none of it.
The functions ``compare``, ``fragility`` and ``judge`` are in the files of their names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wwm_models.article.reader import Article, Claim, Published, Reference, read_article

if TYPE_CHECKING:
    from wwm_models.article.compare import Comparison
    from wwm_models.article.comparison import comparison_table
    from wwm_models.article.judge import Evidence, Sources
    from wwm_models.article.ledger import claims_table
    from wwm_models.article.pool import Pool

_HOME = {
    "Comparison": "compare",
    "Evidence": "judge",
    "Pool": "pool",
    "Sources": "judge",
    "claims_table": "ledger",
    "comparison_table": "comparison",
}

__all__ = [
    "Article",
    "Claim",
    "Comparison",
    "Evidence",
    "Pool",
    "Published",
    "Reference",
    "Sources",
    "claims_table",
    "comparison_table",
    "read_article",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
