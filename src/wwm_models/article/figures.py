"""[[figure]] of article.toml: which numbers stand together in a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from wwm_models.declared.toml import check_keys
from wwm_models.errors import ArticleError, did_you_mean, listed

KINDS: Final = ("answers", "matrix", "paired")


@dataclass(frozen=True)
class Figure:
    """A drawing of raw, adjusted and printed percentages.

    Attributes
    ----------
    id : str
        Also the name of its files.
    kind : {"answers", "matrix", "paired"}
        Answers of one outcome with the groups under each; an outcome x group matrix of small charts; or several outcomes,
        one answer of each, under every group.
    outcomes : tuple of str
    by : tuple of str
        The grouping that is shown first.
    categories : tuple of str
        Answers that are drawn; all when empty. For "paired" one per outcome.
    where : str
        The figure of the article that this redraws.
    titles : mapping of language to title
    """

    id: str
    kind: str
    outcomes: tuple[str, ...]
    by: tuple[str, ...]
    categories: tuple[str, ...] = ()
    where: str = ""
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def figure_of(row: Mapping[str, Any], path: Path) -> Figure:
    """One table as a record.

    Raises
    ------
    DeclarationError
        If a key is missing or unknown.
    ArticleError
        If the kind is not known, or the categories of a paired figure are not one per outcome.
    """
    where = f"{path} [[figure]] {row.get('id', '?')}"
    check_keys(
        row, required=("id", "kind", "outcomes", "by"), optional=("categories", "where", "nl", "en"), where=where
    )
    kind = str(row["kind"])
    if kind not in KINDS:
        raise ArticleError(f'{where}: kind = "{kind}". Expected one of: {listed(KINDS)}.{did_you_mean(kind, KINDS)}')
    name = str(row["id"])
    if not name or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ArticleError(
            f'{where}: the id "{name}" also names files. Expected letters, digits, hyphens and underscores, such as figure-1.'
        )
    lists = {key: tuple(str(item) for item in row.get(key, ())) for key in ("outcomes", "by", "categories")}
    outcomes, categories = lists["outcomes"], lists["categories"]
    if kind == "paired" and len(categories) != len(outcomes):
        raise ArticleError(
            f"{where}: {len(categories)} categories for {len(outcomes)} outcomes. A paired figure needs one category per outcome, in the same order."
        )
    titles = MappingProxyType({lang: str(row.get(lang, name)) for lang in ("nl", "en")})
    return Figure(name, kind, outcomes, lists["by"], categories, str(row.get("where", "")), titles)
