"""article.toml: printed numbers and claims, as frozen records.

`read_article` reads them; `as_plain` gives them as JSON can hold them, so that a page can be written again from a results folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wwm_models.claims.claim_kinds import CLAIM_KINDS, ClaimedRange, ClaimKind
from wwm_models.claims.declared_figures import DeclaredFigure, figure_as_mapping, figure_of
from wwm_models.claims.rounding import HALF_UNIT, rounding_of, unrounded
from wwm_models.errors import ArticleError, did_you_mean, group_in_words, listed
from wwm_models.estimates.causal_diagram import DESCRIPTIVE, Diagram, read_diagram
from wwm_models.estimates.number_key import JoinedLevels, NumberKey, in_one_order, levels_of
from wwm_models.messages import LANGUAGES, Piece, reference
from wwm_models.toml_tables import TomlTable, read_toml, repeated

_COMMON = ("id", "kind", *LANGUAGES, "where", "margin_by", "estimand", "missing", "counted_in")
_PERCENTAGES = ("value", "lower", "upper", "above", "below")


@dataclass(frozen=True)
class Reference:
    """Which number is meant: an answer (or collapse) of an outcome in a group, of which a level may be several (`JoinedLevels`)."""

    outcome: str
    category: str
    group: tuple[tuple[str, str], ...] = ()

    @property
    def by(self) -> tuple[str, ...]:
        """Variables that define the group, in one order whatever the order in which they are written."""
        return in_one_order(name for name, _ in self.group)

    @property
    def key(self) -> NumberKey:
        """What the number is of, as tables of numbers are searched by it."""
        return NumberKey.of(self.outcome, self.category, self.group)

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """The levels of each variable of the group, one or more, the variables in one order."""
        return {name: levels_of(level) for name, level in sorted(self.group)}

    @property
    def joined(self) -> bool:
        """Whether the group is joined from several levels of a variable."""
        return any(isinstance(level, JoinedLevels) for _, level in self.group)

    @property
    def ordered(self) -> Reference:
        """The same with the variables of the group in one order."""
        return Reference(self.outcome, self.category, tuple(sorted(self.group)))

    def __str__(self) -> str:
        return f"{self.outcome} = {self.category} ({group_in_words(self.group)})"

    @property
    def named(self) -> Piece:
        """The number as an argument of a message."""
        return reference(self.outcome, self.category, self.group, str(self))


@dataclass(frozen=True)
class Published:
    """A printed percentage, or a slot that only a figure fills (`value` None)."""

    id: str
    at: Reference
    value: float | None
    rounding: str
    where: str

    @property
    def limits(self) -> tuple[float, float] | None:
        """Probabilities that may print as this number, both ends included."""
        if self.value is None:
            return None
        lower, upper = unrounded(self.value, self.value, self.rounding)
        return lower / 100.0, upper / 100.0


@dataclass(frozen=True)
class Claim:
    """One sentence as a checkable statement.

    Attributes
    ----------
    id, kind, where : str
    statement : mapping of language to our wording
    references : mapping of role to Reference
        "at", "greater", "lesser", "numerator", "denominator"; for an equivalence and a count "between.0", "between.1", ...; for a
        difference of differences "greater.0", "greater.1", "lesser.0", "lesser.1"
    numbers : mapping
        "value", "lower", "upper", "above", "below", "margin", "tolerance": in percentage points (ratios: as they are); "n": respondents.
    rounding : str
    parts : tuple of Claim
    margin_by : str
        Who chose the margin.
    estimand : str
        Empty for the article's own.
    missing : str
        What would be needed to test it; empty when it can be tested.
    counted_in : tuple of str
        Ids of claims that have the same test, or have it in them: it is judged as every claim, but sums count it there only.
    """

    id: str
    kind: str
    where: str = ""
    statement: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    references: Mapping[str, Reference] = field(default_factory=lambda: MappingProxyType({}))
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    rounding: str = "integer"
    parts: tuple[Claim, ...] = ()
    margin_by: str = ""
    estimand: str = ""
    missing: str = ""
    counted_in: tuple[str, ...] = ()

    @property
    def about(self) -> ClaimKind:
        """What claims of its kind have in common."""
        return CLAIM_KINDS[self.kind]

    @property
    def region(self) -> ClaimedRange:
        """Where it puts each of its quantities."""
        return self.about.region(self.numbers, self.rounding)

    @property
    def roles(self) -> list[tuple[str, ...]]:
        """Which references each quantity is made of: one number, a pair (first minus, or over, second), two pairs, or none for a count."""
        return self.about.roles(tuple(self.references))

    def percentages(self) -> Iterator[float]:
        """Percentages that the claim and its parts speak of; of a ratio none, and no margins."""
        if not self.about.arithmetic.ratio:
            yield from (self.numbers[name] for name in _PERCENTAGES if name in self.numbers)
        for part in self.parts:
            yield from part.percentages()

    def every_reference(self) -> Iterator[Reference]:
        """References of the claim and of its parts."""
        yield from self.references.values()
        for part in self.parts:
            yield from part.every_reference()


@dataclass(frozen=True)
class Article:
    """What an article says."""

    title: str = ""
    citation: str = ""
    estimand: str = ""
    n: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    published: tuple[Published, ...] = ()
    claims: tuple[Claim, ...] = ()
    figures: tuple[DeclaredFigure, ...] = ()
    translations: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )  # English to others
    diagram: Diagram | None = None  # of the study that the article belongs to

    def asked_of(self, claim: Claim) -> str:
        """The estimand that a claim asks for, or else its article; empty for none."""
        return claim.estimand or self.estimand

    def estimands_of(self, claim: Claim) -> str:
        """What the adjusted numbers of a claim are of: of everyone nothing is held equal; several estimands stand beside each other.

        Without a diagram it is the name that the claim or the article gives, or nothing.
        """
        asked = self.asked_of(claim)
        found = dict.fromkeys(self._estimand(at.by, asked) for at in claim.every_reference())
        return "; ".join(name for name in found if name)

    def _estimand(self, by: tuple[str, ...], asked: str) -> str:
        if not by:
            return DESCRIPTIVE
        known = self.diagram is not None and set(by) <= set(self.diagram.exposures)
        return self.diagram.estimand(by, asked) if self.diagram is not None and known else asked

    def slots(self) -> dict[Reference, Published]:
        """Printed percentages by what they are of, the variables of its group in one order; `printed_slots` says what is refused."""
        return printed_slots(self.published, "The article")

    def references(self) -> Iterator[Reference]:
        """Every number that the article speaks about."""
        for _, at in self.references_by_id():
            yield at

    def references_by_id(self) -> Iterator[tuple[str, Reference]]:
        """Every number that the article speaks about, with the id of the printed number or the claim that does."""
        for number in self.published:
            yield number.id, number.at
        for claim in self.claims:
            for at in claim.every_reference():
                yield claim.id, at


def printed_slots(published: Iterable[Published], where: str) -> dict[Reference, Published]:
    """Printed percentages by what they are of.

    Raises
    ------
    ArticleError
        If two numbers are printed for one group and answer; twice the same number is no error.
    """
    found: dict[Reference, Published] = {}
    for number in published:
        if number.value is None:
            continue
        former = found.setdefault(number.at.ordered, number)
        if (former.value, former.rounding) != (number.value, number.rounding):
            raise ArticleError(
                f"{where}: {former.id} and {number.id} print {former.value:g} and {number.value:g} for {number.at}. Expected one number for a group "
                "and an answer. Remove the one that is mistyped; if the article prints both, make one of them a claim of kind value."
            )
    return found


def read_article(path: Path) -> Article:
    """Give the article of a study.

    Parameters
    ----------
    path : str or Path
        Of its article.toml.

    Raises
    ------
    DeclarationError
        If the file is not TOML, has an unknown key or a value of the wrong type.
    ArticleError
        If a number or claim is incomplete or impossible, or two share an id or a slot.
    """
    path = Path(path)
    whole = TomlTable(read_toml(path), str(path))
    whole.check(required=("article",), optional=("published", "claim", "figure", "translations"))
    head = whole.table("article", f"{path} [article]")
    head.check(required=("title",), optional=("citation", "n", "estimand"))
    published = tuple(_published(row, path) for row in whole.tables("published"))
    claims = tuple(_claim(row, path, _label(row)) for row in whole.tables("claim"))
    figures = tuple(figure_of(row, path) for row in whole.tables("figure"))
    ids = [item.id for item in (*published, *claims, *figures)]
    twice = sorted(repeated(ids))
    if twice:
        raise ArticleError(
            f"{path}: the id {listed(twice)} is used more than once. Give every number, claim and figure its own id."
        )
    _refuse_shares(path, published, claims)
    _refuse_counted(path, claims)
    printed_slots(published, str(path))
    sizes, spoken = head.table("n", f"{path} [article] n"), whole.table("translations", f"{path} [translations]")
    return Article(
        head.name("title", "a text"),
        head.text("citation"),
        head.text("estimand"),
        MappingProxyType({name: sizes.whole(name, 0) for name in sizes.values}),
        published,
        claims,
        figures,
        MappingProxyType({english: _spoken(spoken, english) for english in spoken.values}),
        read_diagram(path.parent),
    )


def _spoken(translations: TomlTable, english: str) -> Mapping[str, str]:
    """A translation into Dutch, or a table of several by language."""
    if not isinstance(translations.values[english], dict):
        return MappingProxyType({"nl": translations.text(english)})
    several = translations.table(english)
    several.check(required=(), optional=LANGUAGES)
    if not several.values:
        raise translations.wrong(english, {}, 'a text between quotes, or several by language, like { nl = "..." }')
    return MappingProxyType({lang: several.text(lang) for lang in several.values})


def _label(row: TomlTable) -> str:
    name = row.values.get("id", "?")
    return name if isinstance(name, str) else "?"


def _refuse_shares(path: Path, published: tuple[Published, ...], claims: tuple[Claim, ...]) -> None:
    """Refuse shares typed for percentages; one number below 1 among others is a percentage, since 0.4% may be printed."""
    printed = [number.value for number in published if number.value is not None]
    printed += [value for claim in claims for value in claim.percentages()]
    if any(value > 1.0 for value in printed) or all(value in (0.0, 1.0) for value in printed):
        return
    example = max(value for value in printed if value < 1.0)
    raise ArticleError(
        f"{path}: all printed percentages lie between 0 and 1 ({listed(f'{value:g}' for value in printed)}), as shares do. Expected percentages "
        f"from 0 to 100. Write {100.0 * example:g} for {example:g}."
    )


def _published(given: TomlTable, path: Path) -> Published:
    row = given.named(f"{path} [[published]] {_label(given)}")
    row.check(required=("id", "outcome", "category"), optional=("group", "value", "rounding", "where"))
    at = _reference(
        TomlTable({key: row.values[key] for key in ("outcome", "category", "group") if key in row.values}, row.where)
    )
    value = row.between("value", 0.0, 100.0)
    return Published(row.name("id"), at, value, _rounding(row, "value"), row.text("where"))


def _rounding(row: TomlTable, *printed: str) -> str:
    """As declared, else to the last digit of the numbers that are printed under these keys."""
    default = rounding_of(number for key in printed if (number := row.number(key)) is not None)
    rounding = row.text("rounding", default)
    if rounding not in HALF_UNIT:
        raise ArticleError(
            f'{row.where}: rounding = "{rounding}". Expected one of: {listed(HALF_UNIT)}.{did_you_mean(rounding, HALF_UNIT)} Write one of these.'
        )
    return rounding


def _claim(given: TomlTable, path: Path, label: str) -> Claim:
    row = given.named(f"{path} [[claim]] {label}")
    kind = row.text("kind")
    if kind not in CLAIM_KINDS:
        raise ArticleError(
            f'{row.where}: kind = "{kind}". Expected one of: {listed(CLAIM_KINDS, 10)}.{did_you_mean(kind, CLAIM_KINDS)}'
        )
    needed, allowed = CLAIM_KINDS[kind].required, CLAIM_KINDS[kind].optional
    missing = row.text("missing")
    row.check(required=() if missing else needed, optional=(*_COMMON, *allowed, *(needed if missing else ())))
    references = {
        role: _reference(row.table(role, f"{row.where}, `{role}`"))
        for role in CLAIM_KINDS[kind].references
        if role in row.values
    }
    references |= {
        f"{key}.{number}": _reference(item)
        for key in CLAIM_KINDS[kind].lists
        for number, item in enumerate(row.tables(key))
    }
    claim = Claim(
        id=row.name("id") if "id" in row.values else label,
        kind=kind,
        where=row.text("where"),
        statement=MappingProxyType({lang: row.name(lang, "a text") for lang in LANGUAGES if lang in row.values}),
        references=MappingProxyType(references),
        numbers=MappingProxyType(_numbers(row, kind)),
        rounding=_rounding(row, *CLAIM_KINDS[kind].printed),
        parts=tuple(_claim(part, path, f"{label} part {number}") for number, part in enumerate(row.tables("parts"), 1)),
        margin_by=row.text("margin_by"),
        estimand=row.text("estimand"),
        missing=missing,
        counted_in=_counted_in(row),
    )
    if not missing:
        _refuse_empty(claim, row.where)
    return claim


def _counted_in(row: TomlTable) -> tuple[str, ...]:
    given = row.values.get("counted_in")
    return (row.name("counted_in"),) if isinstance(given, str) else row.texts("counted_in")


def _refuse_counted(path: Path, claims: tuple[Claim, ...]) -> None:
    """Refuse a claim that is counted in one that is not there, in itself, or in a circle, which would count nowhere."""
    within = {claim.id: claim.counted_in for claim in claims}
    for claim in claims:
        where = f"{path} [[claim]] {claim.id}: `counted_in`"
        part = next((part.id for part in claim.parts if part.counted_in), "")
        if part:
            raise ArticleError(
                f"{path} [[claim]] {part}: `counted_in` of a part. Expected it at whole claims. Write it at {claim.id}."
            )
        for name in claim.counted_in:
            if name not in within:
                raise ArticleError(
                    f'{where} names "{name}". Expected the id of another claim.{did_you_mean(name, within)} Repair it.'
                )
    for claim in claims:
        where, above = f"{path} [[claim]] {claim.id}: `counted_in`", _all_above(claim.id, within)
        if claim.id in above:
            circle = listed(sorted(name for name in above if claim.id in _all_above(name, within)), 10)
            raise ArticleError(
                f"{where} leads back to itself ({circle}), so that none of these would be counted. Expected one that counts. Leave it out there."
            )


def _all_above(claim: str, within: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Every claim that one is counted in, in one step or more."""
    above, waiting = set[str](), list(within[claim])
    while waiting:
        name = waiting.pop()
        waiting += [] if name in above else within[name]
        above.add(name)
    return above


def _numbers(row: TomlTable, kind: str) -> dict[str, float]:
    """The numbers of a claim, each within what it can be."""
    top = CLAIM_KINDS[kind].largest
    found = {key: row.between(key, 0.0, top) for key in CLAIM_KINDS[kind].percentages}
    if "n" in row.values:
        found["n"] = float(row.whole("n", 0))
    numbers = {key: value for key, value in found.items() if value is not None}
    if numbers.get("lower", 0.0) > numbers.get("upper", top):
        raise ArticleError(
            f"{row.where}: lower = {numbers['lower']:g} and upper = {numbers['upper']:g}. Expected the smaller number as `lower`. Exchange them."
        )
    return numbers


def _refuse_empty(claim: Claim, where: str) -> None:
    """Refuse a claim that says nothing: it names one number twice, no number is in its region, or every number is."""
    names = [reference.ordered for reference in claim.references.values()]
    twice = next(map(str, repeated(names)), "")
    if twice:
        raise ArticleError(
            f"{where}: it names {twice} twice. Expected each percentage once. Name another answer, question or group, or remove one."
        )
    listed_wrongly = claim.about.listed_wrongly(tuple(claim.references))
    several = len(names) if "between" in claim.about.required else 0
    problem = listed_wrongly or claim.about.empty(claim.numbers, several, len(claim.parts))
    problem = problem or claim.about.says_nothing(claim.numbers, claim.rounding)
    if problem:
        raise ArticleError(f"{where}: {problem}.")


def _reference(row: TomlTable) -> Reference:
    row.check(required=("outcome", "category"), optional=("group",))
    group = row.table("group", f"{row.where}, `group`")
    return Reference(
        row.name("outcome"), row.name("category"), tuple((name, _level(group, name)) for name in sorted(group.values))
    )


def _level(group: TomlTable, name: str) -> str:
    """The level of a variable, or the several that a list joins."""
    given = group.values[name]
    if not isinstance(given, list):
        return group.level(name)
    levels = [TomlTable({name: one}, group.where).level(name) for one in given]
    if not levels or len(set(levels)) < len(levels):
        raise group.wrong(name, given, 'one or more levels, each once, like ["couple", "single_parent"]')
    return levels[0] if len(levels) == 1 else JoinedLevels(levels)


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
        "claims": [_claim_as_mapping(claim) for claim in article.claims],
        "figures": [figure_as_mapping(figure) for figure in article.figures],
        "translations": {english: dict(others) for english, others in article.translations.items()},
    }


def _claim_as_mapping(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "kind": claim.kind,
        **claim.statement,
        "references": [{"role": role, **_reference_as_mapping(at)} for role, at in claim.references.items()],
        "numbers": dict(claim.numbers),
        "rounding": claim.rounding,
        "margin_by": claim.margin_by,
        "estimand": claim.estimand,
        "missing": claim.missing,
        "counted_in": list(claim.counted_in),
        "parts": [_claim_as_mapping(part) for part in claim.parts],
    }


def _reference_as_mapping(at: Reference) -> dict[str, Any]:
    return {"outcome": at.outcome, "category": at.category, "group": dict(at.group)}
