"""article.toml: printed numbers and claims, as frozen records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wwm_models.article.figures import Figure, figure_of
from wwm_models.article.rounding import HALF_UNIT, rounding_of, unrounded
from wwm_models.declared.toml import check_keys, read_toml
from wwm_models.errors import ArticleError, did_you_mean, listed

KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "value": (("at", "value"), ("rounding",)),
        "range": (("at", "lower", "upper"), ("rounding",)),
        "bound": (("at",), ("above", "below")),
        "order": (("greater", "lesser"), ("margin",)),
        "ratio": (("numerator", "denominator"), ("lower", "upper")),
        "equivalence": (("between", "margin"), ()),
        "count": (("between", "n"), ()),
        "all": (("parts",), ()),
    }
)
_PERCENTAGES = ("value", "lower", "upper", "above", "below")
_REFERENCES = ("at", "greater", "lesser", "numerator", "denominator")


@dataclass(frozen=True)
class Reference:
    """Which number is meant: an answer (or collapse) of an outcome in a group."""

    outcome: str
    category: str
    group: tuple[tuple[str, str], ...] = ()

    @property
    def by(self) -> tuple[str, ...]:
        """Variables that define the group."""
        return tuple(name for name, _ in self.group)

    def __str__(self) -> str:
        where = ", ".join(f"{name} {level}" for name, level in self.group) or "everyone"
        return f"{self.outcome} = {self.category} ({where})"


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
        "at", "greater", "lesser", "numerator", "denominator"; for an equivalence and a count "between.0", "between.1", ...
    numbers : mapping
        "value", "lower", "upper", "above", "below", "margin": in percentage points (ratios: as they are); "n": respondents.
    rounding : str
    parts : tuple of Claim
    margin_by : str
        Who chose the margin.
    estimand : str
        Empty for the article's own.
    missing : str
        What would be needed to test it; empty when it can be tested.
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

    def percentages(self) -> Iterator[float]:
        """Percentages that the claim and its parts speak of; of a ratio none, and no margins."""
        if self.kind != "ratio":
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
    figures: tuple[Figure, ...] = ()
    translations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # English to Dutch

    def references(self) -> Iterator[Reference]:
        """Every number that the article speaks about."""
        for number in self.published:
            yield number.at
        for claim in self.claims:
            yield from claim.every_reference()


def read_article(path: Path) -> Article:
    """Give the article of a study.

    Raises
    ------
    DeclarationError
        If the file is not TOML or has an unknown key.
    ArticleError
        If a number or claim is incomplete, or two share an id.
    """
    table = read_toml(path)
    check_keys(table, required=("article",), optional=("published", "claim", "figure", "translations"), where=str(path))
    head = table["article"]
    check_keys(head, required=("title",), optional=("citation", "n", "estimand"), where=f"{path} [article]")
    published = tuple(_published(row, path) for row in table.get("published", []))
    claims = tuple(_claim(row, path, str(row.get("id", "?"))) for row in table.get("claim", []))
    figures = tuple(figure_of(row, path) for row in table.get("figure", []))
    ids = [item.id for item in (*published, *claims, *figures)]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ArticleError(
            f"{path}: the id {listed(twice)} is used more than once. Give every number, claim and figure its own id."
        )
    _refuse_shares(path, published, claims)
    return Article(
        head["title"],
        head.get("citation", ""),
        head.get("estimand", ""),
        MappingProxyType(head.get("n", {})),
        published,
        claims,
        figures,
        MappingProxyType({str(english): str(dutch) for english, dutch in table.get("translations", {}).items()}),
    )


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


def _published(row: Mapping[str, Any], path: Path) -> Published:
    where = f"{path} [[published]] {row.get('id', '?')}"
    check_keys(
        row, required=("id", "outcome", "category"), optional=("group", "value", "rounding", "where"), where=where
    )
    at = _reference({key: row[key] for key in ("outcome", "category", "group") if key in row}, where)
    value = row.get("value")
    if value is not None and not 0 <= float(value) <= 100:
        raise ArticleError(f"{where}: value = {value} is not a percentage. Expected a number from 0 to 100.")
    return Published(
        row["id"], at, None if value is None else float(value), _rounding(row, where, "value"), row.get("where", "")
    )


def _rounding(row: Mapping[str, Any], where: str, *printed: str) -> str:
    """As declared, else to the last digit of the numbers that are printed under these keys."""
    rounding = str(row.get("rounding", rounding_of(float(row[key]) for key in printed if key in row)))
    if rounding not in HALF_UNIT:
        raise ArticleError(
            f'{where}: rounding = "{rounding}". Expected one of: {listed(HALF_UNIT)}.{did_you_mean(rounding, HALF_UNIT)}'
        )
    return rounding


def _claim(row: Mapping[str, Any], path: Path, label: str) -> Claim:
    where = f"{path} [[claim]] {label}"
    kind = str(row.get("kind", ""))
    if kind not in KINDS:
        raise ArticleError(
            f'{where}: kind = "{kind}". Expected one of: {listed(KINDS, 10)}.{did_you_mean(kind, KINDS)}'
        )
    needed, allowed = KINDS[kind]
    untestable = bool(row.get("missing"))
    common = ("id", "kind", "nl", "en", "where", "margin", "margin_by", "estimand", "missing")
    check_keys(
        row,
        required=() if untestable else needed,
        optional=(*common, *allowed, *(needed if untestable else ())),
        where=where,
    )
    references = {role: _reference(row[role], where) for role in _REFERENCES if role in row}
    references |= {f"between.{number}": _reference(item, where) for number, item in enumerate(row.get("between", []))}
    numbers = {
        key: float(row[key]) for key in ("value", "lower", "upper", "above", "below", "margin", "n") if key in row
    }
    if kind == "bound" and not untestable and ("above" in numbers) == ("below" in numbers):
        raise ArticleError(f"{where}: a bound needs one of `above` and `below`.")
    return Claim(
        id=str(row.get("id", label)),
        kind=kind,
        where=str(row.get("where", "")),
        statement=MappingProxyType({lang: str(row.get(lang, "")) for lang in ("nl", "en")}),
        references=MappingProxyType(references),
        numbers=MappingProxyType(numbers),
        rounding=_rounding(row, where, *({"value": ("value",), "range": ("lower", "upper")}.get(kind, ()))),
        parts=tuple(
            _claim(part, path, f"{label} part {number + 1}") for number, part in enumerate(row.get("parts", []))
        ),
        margin_by=str(row.get("margin_by", "")),
        estimand=str(row.get("estimand", "")),
        missing=str(row.get("missing", "")),
    )


def _reference(row: Mapping[str, Any], where: str) -> Reference:
    check_keys(row, required=("outcome", "category"), optional=("group",), where=where)
    group = tuple((str(name), str(level)) for name, level in row.get("group", {}).items())
    return Reference(str(row["outcome"]), str(row["category"]), group)
