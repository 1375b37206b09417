"""The article as data: its printed numbers, its sentences as checkable claims, and both held against estimates."""

from wwm_models.article.compare import Comparison, compare
from wwm_models.article.comparison import comparison_table
from wwm_models.article.fragility import fragility
from wwm_models.article.judge import Evidence, Sources, judge
from wwm_models.article.ledger import claims_table
from wwm_models.article.pool import Pool
from wwm_models.article.reader import Article, Claim, Published, Reference, read_article

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
    "compare",
    "comparison_table",
    "fragility",
    "judge",
    "read_article",
]
