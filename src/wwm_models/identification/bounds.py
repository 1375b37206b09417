"""What the printed article alone allows: bounds for every adjusted number and a verdict on every claim.

Bounds are not estimates: between the smallest and the largest value no point is nearer the truth than another as far as
the printed numbers go. The maximum-entropy point is the table that adds nothing to them, and is no estimate either.

Verdicts under bounds: true for all tables, false for all tables, or undetermined.

A claim is true for all tables when every quantity of it must lie where the claim puts it, and false for all when no table
puts all of them there at once, which is a feasibility program over the outcomes that the claim joins.

The tables of bounds: a row per number, per quantity of a claim and per claim, at every limit on the interaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article, Claim, Reference, read_article
from wwm_models.claims.claim_kinds import CLAIM_KINDS, DIFFERENCE, Arithmetic
from wwm_models.claims.claimed_quantities import UNTESTABLE
from wwm_models.errors import ArticleError
from wwm_models.estimates.number_key import written_group
from wwm_models.identification.joint_table import Margins, check_bases, read_margins
from wwm_models.identification.region import Region, regions, spoken_of
from wwm_models.identification.solve import (
    BoundedQuantity,
    FeasibleSet,
    Narrowing,
    allowed,
    check_agreement,
    limits,
    narrowings,
    of_claim,
    of_number,
    outcomes_of,
)
from wwm_models.messages import in_language, language_problem
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import feasible, stacked

TRUE, FALSE, OPEN = "true for all tables", "false for all tables", "undetermined"
NO_TABLE = "no table"  # the printed numbers and the limit on the interaction exclude each other
NOT_BOUNDED = "cannot be bounded"


def verdict(quantities: Sequence[BoundedQuantity], limits: Array, space: FeasibleSet) -> str:
    """The verdict on the conjunction of quantities.

    Parameters
    ----------
    quantities : sequence of BoundedQuantity
    limits : (q, 2) array
        Their smallest and largest values.
    space : FeasibleSet
    """
    if not np.isfinite(limits[:, 0]).all():
        return NO_TABLE
    if all(quantity.holds(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return TRUE
    if any(quantity.fails(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return FALSE
    if len(quantities) == 1 or _met(quantities, space) or _together(quantities, space):
        return OPEN
    return FALSE


def _met(quantities: Sequence[BoundedQuantity], space: FeasibleSet) -> bool:
    """Whether the table of largest entropy is one for which the claim is true."""
    return all(q.inside.has(q.value(space.points)) for q in quantities)


def _together(quantities: Sequence[BoundedQuantity], space: FeasibleSet) -> bool:
    """Whether some table puts every quantity where the claim does."""
    outcomes = list(dict.fromkeys(outcome for quantity in quantities for outcome in outcomes_of(quantity)))
    whole = stacked([space.polyhedra[outcome] for outcome in outcomes])
    starts = dict(
        zip(outcomes, np.cumsum([0, *(space.polyhedra[o].rows.shape[1] for o in outcomes[:-1])]), strict=True)
    )
    rows: list[Array] = []
    ends: list[tuple[float, float]] = []
    for quantity in quantities:
        for form, low, high in _rows(quantity, whole.rows.shape[1], starts):
            rows.append(form)
            ends.append((low, high))
    lower, upper = np.array(ends).T
    return feasible(whole.with_rows(np.array(rows), lower, upper))


def _rows(quantity: BoundedQuantity, size: int, starts: dict[str, int]) -> list[tuple[Array, float, float]]:
    top = np.zeros(size)
    for outcome, form in quantity.terms:
        top[starts[outcome] : starts[outcome] + len(form)] += form
    low, high = quantity.inside.lower, quantity.inside.upper
    if quantity.denominator is None:
        return [(top, low, high)]
    below = np.zeros(size)
    outcome, form = quantity.denominator
    below[starts[outcome] : starts[outcome] + len(form)] = form
    found = [(top - low * below, 0.0, np.inf)]
    return found + ([(top - high * below, -np.inf, 0.0)] if np.isfinite(high) else [])


Claims = Mapping[str, Sequence[BoundedQuantity]]

BOUNDS_COLUMNS = (
    "id", "kind", "outcome", "category", "by", "group", "delta", "lower", "upper", "max_entropy",
    "published_lower", "published_upper", "narrows_most", "verdict",
)  # fmt: skip
CLAIM_COLUMNS = (
    "id", "statement", "where", "kind", "verdict", "decided_up_to", "decided", "narrows_most", "reason",
)  # fmt: skip
TEXTS = ("id", "kind", "outcome", "category", "by", "group", "narrows_most", "verdict")


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
        One row per claim: ``id``, ``statement``, ``where``, ``kind``, ``verdict`` (without a limit),
        ``decided_up_to`` (largest
        declared limit on the interaction up to which it is decided; nan if it never is), ``decided`` (how), ``narrows_most``, ``reason``.
    margins : Margins
    notes : tuple of str
        What a reader has to know.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    claims: pd.DataFrame
    margins: Margins
    notes: tuple[str, ...]


def number_rows(
    quantities: Sequence[BoundedQuantity],
    ends: Array,
    space: FeasibleSet,
    article: Article,
    claims: Claims,
    telling: Mapping[str, Narrowing],
) -> pd.DataFrame:
    """The rows of one limit on the interaction; a claim of several quantities has a row of its own after theirs."""
    printed = {number.at: number.limits for number in article.published if number.limits is not None}
    places = {quantity.id: place for place, quantity in enumerate(quantities)}
    judged = {
        quantity.id: verdict([quantity], ends[[places[quantity.id]]], space)
        for own in claims.values()
        for quantity in own
    }
    rows: list[dict[str, object]] = []
    for quantity, limit in zip(quantities, ends, strict=True):
        row = _quantity_row(quantity, limit, space, printed)
        row["narrows_most"] = telling[quantity.id].id if np.isinf(space.delta) and quantity.id in telling else ""
        row["verdict"] = judged.get(quantity.id, "")
        rows.append(row)
    for claim in article.claims:
        own = claims[claim.id]
        if len(own) != 1 or own[0].id != claim.id:
            rows.append({"id": claim.id, "kind": claim.kind, "verdict": _whole(claim, own, ends, places, space)})
    table = pd.DataFrame(rows).reindex(columns=list(BOUNDS_COLUMNS)).assign(delta=space.delta)
    return table.assign(**{name: table[name].astype(object).where(table[name].notna(), "") for name in TEXTS})


def with_narrowing(curve: pd.DataFrame, telling: Mapping[str, Narrowing]) -> pd.DataFrame:
    """The rows without a limit on the interaction, with what one more printed number would leave."""
    table = curve[np.isinf(curve["delta"])].reset_index(drop=True)
    left = {name: (gain.lower, gain.upper) for name, gain in telling.items()}
    ends = np.array([left.get(str(name), (np.nan, np.nan)) for name in table["id"]], dtype=float).reshape(-1, 2)
    return table.assign(narrowed_lower=ends[:, 0], narrowed_upper=ends[:, 1])


def claim_rows(article: Article, claims: Claims, curve: pd.DataFrame, lang: str) -> pd.DataFrame:
    """One row per claim: the verdict without a limit, and up to which limit it is decided."""
    rows: list[dict[str, object]] = []
    along = dict(tuple(curve.sort_values("delta", kind="stable").groupby("id", sort=False)))
    unlimited = curve[np.isinf(curve["delta"])].set_index("id")
    for claim in article.claims:
        plain = unlimited.loc[claim.id]
        parts = unlimited.loc[[quantity.id for quantity in claims[claim.id]]]
        decided_up_to, decided = _decided(along[claim.id])
        rows.append(
            {
                "id": claim.id, "statement": in_language(claim.statement, lang), "where": claim.where, "kind": claim.kind,
                "verdict": plain["verdict"], "decided_up_to": decided_up_to, "decided": decided,
                "narrows_most": next((name for name in parts["narrows_most"] if name), ""),
                "reason": _reason(claim, parts),
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


def _whole(
    claim: Claim, own: Sequence[BoundedQuantity], ends: Array, places: Mapping[str, int], space: FeasibleSet
) -> str:
    if claim.missing:
        return UNTESTABLE
    if not own:
        return NOT_BOUNDED
    return verdict(own, ends[[places[quantity.id] for quantity in own]], space)


def _decided(found: pd.DataFrame) -> tuple[float, str]:
    """The largest limit up to which a claim is decided the same way at every smaller one too."""
    reached, how = np.nan, ""
    for delta, word in zip(found["delta"], found["verdict"], strict=True):
        if word not in (TRUE, FALSE) or (how and word != how):
            break
        reached, how = float(delta), str(word)
    return reached, how


def _reason(claim: Claim, parts: pd.DataFrame) -> str:
    if claim.missing:
        return claim.missing
    if claim.about.judged == "counted":
        return "a number of respondents, which no adjustment changes"
    if parts.empty:
        return "a number of it is of a group that the margins do not have"
    undecided = parts[parts["verdict"] != TRUE]
    shown = (undecided if len(undecided) else parts).iloc[0]
    count = f"{len(parts) - len(undecided)} of {len(parts)} parts true for all tables; " if len(parts) > 1 else ""
    return f"{count}{shown['outcome']} = {shown['category']} ({shown['group'] or 'everyone'}): {_range(shown)}"


def _range(row: pd.Series) -> str:
    if not np.isfinite(row["lower"]):
        return "no table agrees with what is printed"
    if row["kind"] in CLAIM_KINDS and CLAIM_KINDS[row["kind"]].arithmetic.ratio:
        return f"adjusted from {row['lower']:.2f} to {row['upper']:.2f}"
    return f"adjusted from {100 * row['lower']:.1f} to {100 * row['upper']:.1f}"


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
    lang : str
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
    numbers: Sequence[BoundedQuantity],
    claims: Mapping[str, Sequence[BoundedQuantity]],
    quantities: Sequence[BoundedQuantity],
    ends: Array,
) -> list[tuple[BoundedQuantity, Array]]:
    """For what a further number is looked for: every number, and of every claim the widest part that is not decided."""
    known = {quantity.id: limit for quantity, limit in zip(quantities, ends, strict=True)}
    chosen = list(numbers)
    for own in claims.values():
        undecided = [quantity for quantity in own if not quantity.holds(known[quantity.id])]
        if undecided:
            chosen.append(max(undecided, key=lambda quantity: quantity.width(known[quantity.id])))
    return [(quantity, known[quantity.id]) for quantity in chosen]


def _along(
    quantities: Sequence[BoundedQuantity], every: Mapping[str, Region], spaces: Sequence[FeasibleSet]
) -> list[Array]:
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


def _empty(spaces: Sequence[FeasibleSet], every: Mapping[str, Region]) -> list[str]:
    return [
        f"No table of {outcome} agrees with the printed numbers and an interaction of at most {100 * space.delta:g} points."
        for space in spaces
        for outcome in every
        if outcome not in space.polyhedra
    ]
