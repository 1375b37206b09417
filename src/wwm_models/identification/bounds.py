"""What the printed article alone allows: bounds for every adjusted number and a verdict on every claim.

Bounds are not estimates: between the smallest and the largest value no point is nearer the truth than another as far as
the printed numbers go. The maximum-entropy point is the table that adds nothing to them, and is no estimate either.

The tables have a row per number, per quantity of a claim and per claim, at every limit on the interaction. With `words` they also say what the
article's own sentences allow, assumed to be true of raw percentages (`identification/sentences.py`), and which of its claims then survive any
adjustment (`identification/conclusions.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article, Claim, Reference, read_article
from wwm_models.claims.claim_kinds import CLAIM_KINDS, DIFFERENCE, Arithmetic
from wwm_models.claims.claimed_quantities import UNTESTABLE
from wwm_models.errors import ArticleError
from wwm_models.estimates.number_key import written_group
from wwm_models.identification.conclusions import (
    ASSUMED,
    FALSE,
    NOT_BOUNDED,
    OPEN,
    REVERSIBLE,
    TRUE,
    Claimed,
    least_interaction,
    reason,
    truth,
    verdict,
)
from wwm_models.identification.joint_table import Margins, check_bases, read_margins
from wwm_models.identification.narrowing import Narrowing, narrowings
from wwm_models.identification.region import Region, regions, spoken_of
from wwm_models.identification.sentences import check_sentences, sentences_of
from wwm_models.identification.solve import (
    BoundedQuantity,
    FeasibleSet,
    Sentence,
    allowed,
    check_agreement,
    limits,
    of_claim,
    of_number,
)
from wwm_models.messages import in_language, language_problem, listed_as, number, say, variable
from wwm_models.numerics.arrays import Array

Claims = Mapping[str, "Claimed | None"]

BOUNDS_COLUMNS = (
    "id", "kind", "outcome", "category", "by", "group", "delta", "lower", "upper", "max_entropy",
    "published_lower", "published_upper", "narrows_most", "verdict", "assumed", "raw", "reversed_from",
)  # fmt: skip
CLAIM_COLUMNS = (
    "id", "statement", "where", "kind", "raw", "verdict", "decided_up_to", "decided", "reversed_from", "narrows_most", "reason",
)  # fmt: skip
TEXTS = ("id", "kind", "outcome", "category", "by", "group", "narrows_most", "verdict", "raw")
NUMBERS, WORDS = "printed numbers", "printed numbers and sentences"  # what is assumed, in the column `assumed`


@dataclass(frozen=True, eq=False)
class BoundsResult:
    """Bounds from the printed article and declared margins.

    Attributes
    ----------
    table : DataFrame
        Without a limit on the interaction: one row per number of the article and per quantity of a claim, with
        `BOUNDS_COLUMNS` and ``narrowed_lower``, ``narrowed_upper``: what would be left if the number in ``narrows_most`` were
        printed too. Probabilities and their differences (ratios as they are); ``delta`` is infinite.
    curve : DataFrame
        The same rows at every limit on the interaction, `BOUNDS_COLUMNS`.
    claims : DataFrame
        One row per claim: ``id``, ``statement``, ``where``, ``kind``, ``raw`` (the verdict on raw numbers, "assumed" where the sentence is),
        ``verdict`` (on adjusted numbers, without a limit), ``decided_up_to`` (largest
        declared limit on the interaction up to which it survives any adjustment, or none; nan if it never does), ``decided`` (how),
        ``reversed_from`` (smallest limit under which it can be reversed, probability scale; nan if it cannot), ``narrows_most``, ``reason``.
    margins : Margins
    notes : tuple of str
        What a reader has to know.
    assumed : tuple of str
        Claims whose sentences are assumed to be true of raw percentages.
    words : BoundsResult or None
        The same with sentences, where they were asked for.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    claims: pd.DataFrame
    margins: Margins
    notes: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    words: BoundsResult | None = None


def number_rows(
    quantities: Sequence[BoundedQuantity],
    ends: Array,
    space: FeasibleSet,
    article: Article,
    claims: Claims,
    telling: Mapping[str, Narrowing],
) -> pd.DataFrame:
    """The rows of one limit on the interaction; a claim of several quantities has a row of its own after theirs."""
    printed = {one.at: one.limits for one in article.published if one.limits is not None}
    places = {quantity.id: place for place, quantity in enumerate(quantities)}
    judged = {
        part.adjusted[0].id: verdict(part, ends[[places[part.adjusted[0].id]]], space)
        for own in claims.values()
        for part in (own.parts if own else ())
    }
    rows: list[dict[str, object]] = []
    for quantity, limit in zip(quantities, ends, strict=True):
        row = _quantity_row(quantity, limit, space, printed)
        row["narrows_most"] = telling[quantity.id].id if np.isinf(space.delta) and quantity.id in telling else ""
        row["verdict"] = judged.get(quantity.id, "")
        rows.append(row)
    for claim in article.claims:
        own = claims[claim.id]
        if own is None or len(own.adjusted) != 1 or own.adjusted[0].id != claim.id:
            rows.append({"id": claim.id, "kind": claim.kind, "verdict": _whole(claim, own, ends, places, space)})
    table = pd.DataFrame(rows).reindex(columns=list(BOUNDS_COLUMNS)).assign(delta=space.delta)
    known = {name: own.known for name, own in claims.items() if own}
    table = table.assign(raw=[known.get(str(name), "") for name in table["id"]])
    return table.assign(**{name: table[name].astype(object).where(table[name].notna(), "") for name in TEXTS})


def with_narrowing(curve: pd.DataFrame, telling: Mapping[str, Narrowing]) -> pd.DataFrame:
    """The rows without a limit on the interaction, with what one more printed number would leave."""
    table = curve[np.isinf(curve["delta"])].reset_index(drop=True)
    left = {name: (gain.lower, gain.upper) for name, gain in telling.items()}
    ends = np.array([left.get(str(name), (np.nan, np.nan)) for name in table["id"]], dtype=float).reshape(-1, 2)
    return table.assign(narrowed_lower=ends[:, 0], narrowed_upper=ends[:, 1])


def claim_rows(article: Article, claims: Claims, curve: pd.DataFrame, lang: str) -> pd.DataFrame:
    """One row per claim: the verdict without a limit, up to which limit it is decided, and from which it can be reversed."""
    rows: list[dict[str, object]] = []
    along = dict(tuple(curve.sort_values("delta", kind="stable").groupby("id", sort=False)))
    unlimited = curve[np.isinf(curve["delta"])].set_index("id")
    for claim in article.claims:
        plain, own = unlimited.loc[[claim.id]].iloc[0], claims[claim.id]
        parts = unlimited.loc[[quantity.id for quantity in own.adjusted] if own else []]
        decided_up_to, decided = _decided(along[claim.id])
        rows.append(
            {
                "id": claim.id, "statement": in_language(claim.statement, lang), "where": claim.where, "kind": claim.kind,
                "raw": plain["raw"], "verdict": plain["verdict"], "decided_up_to": decided_up_to, "decided": decided,
                "reversed_from": plain["reversed_from"],
                "narrows_most": next((name for name in parts["narrows_most"] if name), ""),
                "reason": reason(claim, own, parts, plain, lang),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(CLAIM_COLUMNS))


def _quantity_row(
    quantity: BoundedQuantity, limit: Array, space: FeasibleSet, printed: Mapping[Reference, tuple[float, float]]
) -> dict[str, object]:
    references = quantity.references
    arithmetic = (
        CLAIM_KINDS[quantity.kind].arithmetic if quantity.kind in CLAIM_KINDS else DIFFERENCE
    )  # of a number: itself
    joined = arithmetic.joined
    groups = [written_group(reference.group) for reference in references]
    texts = [group or "everyone" for group in groups] if len(groups) > 1 else groups
    low, high = _published([printed.get(reference) for reference in references], arithmetic)
    return {
        "id": quantity.id, "kind": quantity.kind,
        "outcome": _joined([reference.outcome for reference in references], joined),
        "category": _joined([reference.category for reference in references], joined),
        "by": ";".join(dict.fromkeys(name for reference in references for name in reference.by)),
        "group": _joined(texts, joined),
        "lower": limit[0], "upper": limit[1],
        "max_entropy": quantity.value(space.points) if space.has(quantity) else np.nan,
        "published_lower": low, "published_upper": high,
    }  # fmt: skip


def _joined(names: Sequence[str], mark: str) -> str:
    """What a quantity is of, each name once; of a difference of differences both pairs, where all four are not one.

    Examples
    --------
    >>> _joined(["never", "never"], " minus "), _joined(["a", "b", "a", "c"], " minus "), _joined(["a", "a", "b", "b"], " minus ")
    ('never', 'a minus b against a minus c', 'a against b')
    """
    if len(names) < 4 or len(set(names)) == 1:
        return mark.join(dict.fromkeys(names))
    return " against ".join(mark.join(dict.fromkeys(pair)) for pair in (names[:2], names[2:]))


def _published(known: Sequence[tuple[float, float] | None], arithmetic: Arithmetic) -> tuple[float, float]:
    """What the printed numbers themselves say of a quantity, before any adjustment."""
    pairs = [pair for pair in known if pair is not None]
    return arithmetic.limits(pairs) if len(pairs) == len(known) else (np.nan, np.nan)


def _whole(claim: Claim, own: Claimed | None, ends: Array, places: Mapping[str, int], space: FeasibleSet) -> str:
    if claim.missing:
        return UNTESTABLE
    if own is None:
        return NOT_BOUNDED
    return verdict(own, ends[[places[quantity.id] for quantity in own.adjusted]], space)


def _decided(found: pd.DataFrame) -> tuple[float, str]:
    """The largest limit up to which a claim is decided the same way at every smaller one too."""
    reached, how = np.nan, ""
    for delta, word in zip(found["delta"], found["verdict"], strict=True):
        if word not in (TRUE, FALSE) or (how and word != how):
            break
        reached, how = float(delta), str(word)
    return reached, how


_SAME = 1e-7  # limits nearer than this are equal as far as the solver can tell


def bounds(
    article: Article | str | Path,
    margins: Margins | str | Path,
    *,
    words: bool | Sequence[str] = False,
    without: Sequence[str] | None = None,
    deltas: Sequence[float] | None = None,
    lang: str = "en",
) -> BoundsResult:
    """Smallest and largest adjusted value of every number and claim that the printed numbers, and the sentences, allow.

    Parameters
    ----------
    article : Article, str or Path
        Or the path of article.toml.
    margins : Margins, str or Path
        Or the path of margins.toml, beside codebook.toml.
    words : bool or sequence of str
        Whether to make the bounds also under the assumption that the article's own sentences are true of raw percentages: all, or those
        of these claims. They come beside the bounds from the printed numbers alone, as `BoundsResult.words`.
    without : sequence of str, optional
        Claims whose sentences are not assumed, instead of those that the margins name.
    deltas : sequence of float, optional
        Limits on the interaction, on the probability scale from 0 to 1, instead of those the margins declare. The
        bounds without a limit are always made.
    lang : str
        Of the statements and the reasons.

    Returns
    -------
    BoundsResult

    Raises
    ------
    ArticleError
        If the article and the margins do not fit each other, or no table agrees with all printed numbers,
        or with the sentences.
    DeclarationError
        If a file is absent or not in its schema.

    References
    ----------
    Duncan, O. D. and Davis, B. (1953). An alternative to ecological correlation. American Sociological Review 18, 665-666.
    Manski, C. F. (1995). Identification Problems in the Social Sciences. Harvard University Press.

    Examples
    --------
    >>> import pandas as pd
    >>> from wwm_models.claims.article import Article, Published, Reference
    >>> table = pd.DataFrame([[0.3, 0.2], [0.1, 0.4]], index=["young", "old"], columns=["alone", "together"])
    >>> margins = Margins("age", "home", table, answers={"wish": ("no", "yes"), "age": ("young", "old"), "home": ("alone", "together")})
    >>> printed = Published("P1", Reference("wish", "yes", (("age", "young"),)), 80.0, "integer", "text")
    >>> found = bounds(Article(published=(printed,)), margins)
    >>> found.table[["lower", "upper"]].round(4).to_numpy().tolist()
    [[0.6925, 0.87]]
    """
    if language_problem(lang):
        raise ArticleError(language_problem(lang))
    article = article if isinstance(article, Article) else read_article(Path(article))
    margins = margins if isinstance(margins, Margins) else read_margins(margins)
    if deltas is not None:
        margins = replace(margins, deltas=tuple(sorted(set(deltas))))
    placed, others = spoken_of(article, margins)
    every = regions(article, margins, placed)
    check_agreement(every)
    notes = (*check_bases(margins, article), *_about(others, margins))
    asked = _asked_of(article, margins, every, set(placed), lang)
    plain, claims = _made(asked, (), notes)
    if words is False:
        return plain
    raw = {name: own.raw if own else () for name, own in claims.items()}
    sentences = sentences_of(raw, words, margins.without if without is None else without, article)
    check_sentences(every, sentences, article)
    asked = replace(asked, numbers=(), claims=claims)
    return replace(plain, words=_made(asked, sentences, notes)[0])


@dataclass(frozen=True, eq=False)
class _Asked:
    """What bounds are made for, before anything is known of it."""

    article: Article
    margins: Margins
    regions: Mapping[str, Region]
    numbers: tuple[BoundedQuantity, ...]
    claims: Claims
    lang: str

    @property
    def quantities(self) -> list[BoundedQuantity]:
        """Numbers, and then those of claims."""
        return [*self.numbers, *(quantity for own in self.claims.values() if own for quantity in own.adjusted)]


def _asked_of(
    article: Article, margins: Margins, every: Mapping[str, Region], usable: Collection[Reference], lang: str
) -> _Asked:
    claims: dict[str, Claimed | None] = {}
    for claim in article.claims:
        adjusted: tuple[BoundedQuantity, ...] = ()
        raw: tuple[BoundedQuantity, ...] = ()
        if not claim.missing and all(reference in usable for reference in claim.every_reference()):
            adjusted, raw = (of_claim(claim, article, every, raw=one) for one in (False, True))
        claims[claim.id] = Claimed(adjusted, raw, OPEN) if adjusted else None
    numbers = tuple(of_number(one, every) for one in article.published if one.at in usable)
    return _Asked(article, margins, every, numbers, claims, lang)


def _made(asked: _Asked, sentences: Sequence[Sentence], notes: Sequence[str]) -> tuple[BoundsResult, Claims]:
    """Everything under the printed numbers and some sentences, and the claims with what is then known of raw.

    What the printed numbers imply of a sentence adds nothing to them, and would only bind programs to each other.
    """
    every, article, quantities = asked.regions, asked.article, asked.quantities
    news = [replace(one, quantities=_not_implied(one, asked.claims)) for one in sentences]
    spaces = [allowed(every, delta, news) for delta in (np.inf, *asked.margins.deltas)]
    assumed = {sentence.id for sentence in sentences}
    claims = {name: own and _with_raw(own, spaces[0], assumed=name in assumed) for name, own in asked.claims.items()}
    found = _along(quantities, spaces)
    telling = narrowings(_telling(asked, found[0]), article, every, spaces[0])
    curve = pd.concat(
        [
            number_rows(quantities, ends, space, article, claims, telling)
            for ends, space in zip(found, spaces, strict=True)
        ],
        ignore_index=True,
    )
    curve = _with_reversal(curve, claims, every, news).assign(assumed=WORDS if assumed else NUMBERS)
    result = BoundsResult(
        table=with_narrowing(curve, telling),
        curve=curve.sort_values("delta", kind="stable", ignore_index=True),
        claims=claim_rows(article, claims, curve, asked.lang),
        margins=asked.margins,
        notes=(*notes, *_empty(spaces, every)),
        assumed=tuple(sentence.id for sentence in sentences),
    )
    return result, claims


def _not_implied(sentence: Sentence, claims: Claims) -> tuple[BoundedQuantity, ...]:
    """What a sentence says beyond the printed numbers."""
    own = claims[sentence.id]
    known = own.known_parts if own else ()
    return tuple(one for one, word in zip(sentence.quantities, known, strict=True) if word != TRUE)


def _with_raw(own: Claimed, space: FeasibleSet, *, assumed: bool) -> Claimed:
    """A claim with what is known of its raw numbers: of a sentence that is assumed, what the printed numbers do not imply is assumed."""
    if assumed:
        parts = tuple(word if word == TRUE else ASSUMED for word in own.known_parts)
        return replace(own, known=TRUE if set(parts) == {TRUE} else ASSUMED, known_parts=parts)
    ends = limits(own.raw, space)
    known = tuple(truth([one], ends[[place]], space) for place, one in enumerate(own.raw))
    return replace(own, known=truth(own.raw, ends, space), known_parts=known)


def _with_reversal(
    curve: pd.DataFrame, claims: Claims, every: Mapping[str, Region], sentences: Sequence[Sentence]
) -> pd.DataFrame:
    """The rows with the least interaction that reverses a claim; no program is needed where none at all does."""
    whole = curve[curve["verdict"] == REVERSIBLE]
    at_none = set(whole.loc[whole["delta"] == 0.0, "id"])
    found: dict[str, float] = {}
    for name in whole.loc[np.isinf(whole["delta"]), "id"]:
        own = claims.get(str(name))
        if own:
            found[str(name)] = 0.0 if name in at_none else least_interaction(own, every, sentences)
    return curve.assign(reversed_from=[found.get(str(name), np.nan) for name in curve["id"]])


def _telling(asked: _Asked, ends: Array) -> list[tuple[BoundedQuantity, Array]]:
    """For what a further number is looked for: every number, and of every claim the widest part that does not survive."""
    known = {quantity.id: limit for quantity, limit in zip(asked.quantities, ends, strict=True)}
    chosen = list(asked.numbers)
    for own in asked.claims.values():
        undecided = [quantity for quantity in (own.adjusted if own else ()) if not quantity.holds(known[quantity.id])]
        if undecided:
            chosen.append(max(undecided, key=lambda quantity: quantity.width(known[quantity.id])))
    return [(quantity, known[quantity.id]) for quantity in chosen]


def _along(quantities: Sequence[BoundedQuantity], spaces: Sequence[FeasibleSet]) -> list[Array]:
    """Limits under every space; the first has no limit on the interaction, the others follow by increasing limit.

    The spaces are nested, so a limit that is the same without any and under the smallest is the same in between.
    """
    plain = limits(quantities, spaces[0])
    found = [plain]
    for space in spaces[1:]:
        former = found[-1] if len(found) > 1 else np.full_like(plain, np.nan)
        with np.errstate(invalid="ignore"):
            same = (np.abs(former - plain) < _SAME).all(axis=1) | (former == plain).all(axis=1)
        rest = [quantity for quantity, known in zip(quantities, same, strict=True) if not known]
        ends = plain.copy()
        ends[~same] = limits(rest, space)
        found.append(ends)
    return found


def _about(others: Sequence[Reference], margins: Margins) -> list[str]:
    names = dict.fromkeys(
        name for reference in others for name in reference.by if name not in (margins.rows, margins.columns)
    )
    if not names:
        return []
    used = {"rows": variable(margins.rows), "columns": variable(margins.columns)}
    return [say("bounds_left_out", names=listed_as(variable(name) for name in names), **used)]


def _empty(spaces: Sequence[FeasibleSet], every: Mapping[str, Region]) -> list[str]:
    return [
        say("bounds_empty", outcome=variable(outcome), points=number(100 * space.delta, "g"))
        for space in spaces
        for outcome in every
        if outcome not in space.blocks
    ]
