"""[[figure]] of article.toml: which numbers stand together in a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from wwm_models.errors import ArticleError, did_you_mean, listed
from wwm_models.estimates.number_key import in_one_order
from wwm_models.messages import DEFAULT, LANGUAGES
from wwm_models.toml_tables import TomlTable

FIGURE_KINDS: Final = ("answers", "matrix", "paired")


@dataclass(frozen=True)
class DeclaredFigure:
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


def figure_of(given: TomlTable, path: Path) -> DeclaredFigure:
    """One table as a record.

    Raises
    ------
    DeclarationError
        If a key is missing or unknown, or a value has the wrong type.
    ArticleError
        If the kind is not known, or the categories of a paired figure are not one per outcome.
    """
    where = f"{path} [[figure]] {given.values.get('id', '?')}"
    row = given.named(where)
    row.check(required=("id", "kind", "outcomes", "by"), optional=("categories", "where", *LANGUAGES))
    kind = row.text("kind")
    if kind not in FIGURE_KINDS:
        raise ArticleError(
            f'{where}: kind = "{kind}". Expected one of: {listed(FIGURE_KINDS)}.{did_you_mean(kind, FIGURE_KINDS)}'
        )
    name = row.text("id")
    if not name or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ArticleError(
            f'{where}: the id "{name}" also names files. Expected letters, digits, hyphens and underscores, such as figure-1.'
        )
    lists = {key: row.texts(key) for key in ("outcomes", "by", "categories")}
    outcomes, categories = lists["outcomes"], lists["categories"]
    for key in ("by",) if kind == "paired" else lists:
        if len(set(lists[key])) < len(lists[key]):
            raise row.wrong(key, list(lists[key]), "each once")
    if not outcomes:
        raise row.wrong("outcomes", given.values["outcomes"], 'one or more questions, like ["desired"]')
    if kind == "paired" and len(categories) != len(outcomes):
        raise ArticleError(
            f"{where}: {len(categories)} categories for {len(outcomes)} outcomes. A paired figure needs one category per outcome, in the same order."
        )
    titles = MappingProxyType(
        {lang: row.name(lang, "a text") for lang in LANGUAGES if lang in row.values} or {DEFAULT: name}
    )
    return DeclaredFigure(name, kind, outcomes, in_one_order(lists["by"]), categories, row.text("where"), titles)


def figure_as_mapping(figure: DeclaredFigure) -> dict[str, Any]:
    """A figure as nested dicts and lists."""
    return {
        "id": figure.id,
        "kind": figure.kind,
        "outcomes": list(figure.outcomes),
        "by": list(figure.by),
        "categories": list(figure.categories),
        "where": figure.where,
        **figure.titles,
    }
