"""The article as data: its printed numbers, its sentences as checkable claims, and both held against estimates."""

from wwm_models.article.comparison import comparison_table
from wwm_models.article.judge import Evidence, Pool, claims_table, judge
from wwm_models.article.reader import Article, Claim, Published, Reference, read_article

__all__ = [
    "Article",
    "Claim",
    "Evidence",
    "Pool",
    "Published",
    "Reference",
    "claims_table",
    "comparison_table",
    "judge",
    "read_article",
]
