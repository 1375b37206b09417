"""What the printed article alone allows: bounds for every adjusted number and a verdict on every claim.

Bounds are not estimates: between the smallest and the largest value no point is nearer the truth than another as far as
the printed numbers go. The maximum-entropy point is the table that adds nothing to them, and is no estimate either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.article.bounds.conflict import check_agreement
from wwm_models.article.bounds.margins import Margins
from wwm_models.article.bounds.narrowing import narrowings
from wwm_models.article.bounds.quantities import Quantity, of_claim, of_number
from wwm_models.article.bounds.reader import check_bases, read_margins
from wwm_models.article.bounds.region import Region, regions, spoken_of
from wwm_models.article.bounds.result import BoundsResult, claim_rows, number_rows, with_narrowing
from wwm_models.article.bounds.solve import Allowed, allowed, limits
from wwm_models.article.reader import Article, Reference, read_article

Array = NDArray[np.float64]

_SAME = 1e-7  # limits nearer than this are equal as far as the solver can tell


def bounds(
    article: Article | str | Path,
    margins: Margins | str | Path,
    *,
    deltas: Sequence[float] | None = None,
    lang: str = "en",
) -> BoundsResult:
    """Smallest and largest adjusted value of every number and claim that the printed numbers allow.

    Parameters
    ----------
    article : Article, str or Path
        Or the path of article.toml.
    margins : Margins, str or Path
        Or the path of margins.toml, beside codebook.toml.
    deltas : sequence of float, optional
        Limits on the interaction, on the probability scale from 0 to 1, instead of those the margins declare. The
        bounds without a limit are always made.
    lang : {"nl", "en"}
        Of the statements.

    Returns
    -------
    BoundsResult

    Raises
    ------
    ArticleError
        If the article and the margins do not fit each other, or no table agrees with all printed numbers.
    DeclarationError
        If a file is absent or not in its schema.

    References
    ----------
    Duncan, O. D. and Davis, B. (1953). An alternative to ecological correlation. American Sociological Review 18, 665-666.
    Manski, C. F. (1995). Identification Problems in the Social Sciences. Harvard University Press.

    Examples
    --------
    >>> import pandas as pd
    >>> from wwm_models.article import Article, Published, Reference
    >>> table = pd.DataFrame([[0.3, 0.2], [0.1, 0.4]], index=["young", "old"], columns=["alone", "together"])
    >>> margins = Margins("age", "home", table, answers={"wish": ("no", "yes"), "age": ("young", "old"), "home": ("alone", "together")})
    >>> printed = Published("P1", Reference("wish", "yes", (("age", "young"),)), 80.0, "integer", "text")
    >>> found = bounds(Article(published=(printed,)), margins)
    >>> found.table[["lower", "upper"]].round(4).to_numpy().tolist()
    [[0.6925, 0.87]]
    """
    article = article if isinstance(article, Article) else read_article(Path(article))
    margins = margins if isinstance(margins, Margins) else read_margins(margins)
    placed, others = spoken_of(article, margins)
    notes = [*check_bases(margins, article), *_about(others, margins)]
    every = regions(article, margins, placed)
    check_agreement(every)
    usable = set(placed)
    numbers = [of_number(number, every) for number in article.published if number.at in usable]
    claims = {
        claim.id: of_claim(claim, article, every)
        if not claim.missing and set(claim.every_reference()) <= usable
        else ()
        for claim in article.claims
    }
    quantities = [*numbers, *(quantity for own in claims.values() for quantity in own)]
    points = margins.deltas if deltas is None else tuple(sorted(set(deltas)))
    spaces = [allowed(every, delta) for delta in (np.inf, *points)]
    found = _along(quantities, every, spaces)
    telling = narrowings(_asked(numbers, claims, quantities, found[0]), article, every, spaces[0])
    curve = pd.concat(
        [
            number_rows(quantities, ends, space, article, claims, telling)
            for ends, space in zip(found, spaces, strict=True)
        ],
        ignore_index=True,
    )
    return BoundsResult(
        table=with_narrowing(curve, telling),
        curve=curve.sort_values("delta", kind="stable", ignore_index=True),
        claims=claim_rows(article, claims, curve, lang),
        margins=margins,
        notes=(*notes, *_empty(spaces, every)),
    )


def _asked(
    numbers: Sequence[Quantity], claims: Mapping[str, Sequence[Quantity]], quantities: Sequence[Quantity], ends: Array
) -> list[tuple[Quantity, Array]]:
    """For what a further number is looked for: every number, and of every claim the widest part that is not decided."""
    known = {quantity.id: limit for quantity, limit in zip(quantities, ends, strict=True)}
    chosen = list(numbers)
    for own in claims.values():
        undecided = [quantity for quantity in own if not quantity.holds(known[quantity.id])]
        if undecided:
            chosen.append(max(undecided, key=lambda quantity: quantity.width(known[quantity.id])))
    return [(quantity, known[quantity.id]) for quantity in chosen]


def _along(quantities: Sequence[Quantity], every: Mapping[str, Region], spaces: Sequence[Allowed]) -> list[Array]:
    """Limits under every space; the first has no limit on the interaction, the others follow by increasing limit.

    The spaces are nested, so a limit that is the same without any and under the smallest is the same in between.
    """
    plain = limits(quantities, every, spaces[0])
    found = [plain]
    for space in spaces[1:]:
        former = found[-1] if len(found) > 1 else np.full_like(plain, np.nan)
        with np.errstate(invalid="ignore"):
            same = (np.abs(former - plain) < _SAME).all(axis=1) | (former == plain).all(axis=1)
        rest = [quantity for quantity, known in zip(quantities, same, strict=True) if not known]
        ends = plain.copy()
        ends[~same] = limits(rest, every, space)
        found.append(ends)
    return found


def _about(others: Sequence[Reference], margins: Margins) -> list[str]:
    names = dict.fromkeys(
        name for reference in others for name in reference.by if name not in (margins.rows, margins.columns)
    )
    if not names:
        return []
    return [
        f"Numbers by {', '.join(names)} are not used: the margins are of {margins.rows} and {margins.columns} only."
    ]


def _empty(spaces: Sequence[Allowed], every: Mapping[str, Region]) -> list[str]:
    return [
        f"No table of {outcome} agrees with the printed numbers and an interaction of at most {100 * space.delta:g} points."
        for space in spaces
        for outcome in every
        if outcome not in space.polyhedra
    ]
