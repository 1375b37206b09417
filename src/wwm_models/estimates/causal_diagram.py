"""causal.toml of a study: what comes before an exposure, what lies between it and the answers, and the estimands that follow.

Of an exposure E, with B what comes before it and before the answers, M what lies between it and them, and A what is held equal beside
these although its place is open (it may follow from E, and it confounds M and the answers):

    descriptive   nothing held equal: the raw percentage
    total         B held equal: all that follows from E counts, through M too
    conditional   B and A held equal: a total among people who are alike in A
    direct        B, A and M held equal: what does not run through M
    joint         of E crossed with another exposure: B and A of each held equal, but for the exposures themselves

So one variable is held equal for one exposure and not for another, and the numbers of one fit are not all of one estimand: household lies
between age and the answers, and age comes before household. To read every coefficient of one model as a total is the table 2 fallacy.
A direct effect asks that nothing unmeasured confounds M and the answers, and that no such confounder follows from E but what stands in A.

References
----------
Westreich, D. and Greenland, S. (2013). The table 2 fallacy: presenting and interpreting confounder and modifier coefficients.
American Journal of Epidemiology 177, 292-298. doi:10.1093/aje/kws412
VanderWeele, T. J. (2015). Explanation in Causal Inference: Methods for Mediation and Interaction. Oxford University Press.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.messages import LANGUAGES
from wwm_models.toml_tables import TomlTable, read_toml

CAUSAL_FILE: Final = "causal.toml"
DESCRIPTIVE, TOTAL, CONDITIONAL, DIRECT, JOINT = "descriptive", "total", "conditional", "direct", "joint"
ESTIMANDS: Final = (DESCRIPTIVE, TOTAL, CONDITIONAL, DIRECT)  # what a claim or an exposure may name
_PLACES: Final = ("before", "between", "also")


@dataclass(frozen=True)
class DeclaredExposure:
    """An exposure with its neighbours in the diagram.

    Attributes
    ----------
    name : str
    before : tuple of str
        Variables that come before it and the answers: its confounders.
    between : tuple of str
        Variables that follow from it and come before the answers: its mediators.
    also : tuple of str
        What is held equal beside these under "conditional" and "direct".
    estimand : str
        Of claims about it that name none.
    """

    name: str
    before: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    estimand: str = TOTAL

    @property
    def estimands(self) -> tuple[str, ...]:
        """Its estimands; a direct one where something lies between, a conditional one where something is also held equal."""
        there = {CONDITIONAL: self.also, DIRECT: self.between}
        return tuple(name for name in ESTIMANDS if there.get(name, True))

    def adjusters(self, estimand: str) -> tuple[str, ...]:
        """What is held equal under one of its estimands."""
        return {
            DESCRIPTIVE: (),
            TOTAL: self.before,
            CONDITIONAL: (*self.before, *self.also),
            DIRECT: (*self.before, *self.also, *self.between),
        }[estimand]


@dataclass(frozen=True)
class Diagram:
    """What a study declares of causes.

    Attributes
    ----------
    exposures : mapping of name to DeclaredExposure
    not_controlled : mapping of language to text
        What may differ between the groups and is in no estimand.
    where : str
        Its file.
    """

    exposures: Mapping[str, DeclaredExposure] = field(default_factory=lambda: MappingProxyType({}))
    not_controlled: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    where: str = CAUSAL_FILE

    def adjusters(self, by: Sequence[str], estimand: str) -> tuple[str, ...]:
        """What is held equal when these variables are set together under an estimand.

        Raises
        ------
        KeyError
            If one of the variables is no declared exposure.
        """
        if len(by) == 1:
            return self.exposures[by[0]].adjusters(estimand)
        own = [self.exposures[name] for name in by]
        every = (name for one in own for name in (*one.before, *one.also))
        return tuple(name for name in dict.fromkeys(every) if name not in by)

    def estimand(self, by: Sequence[str], asked: str = "") -> str:
        """The estimand of numbers by these variables, where a claim asks for one or for none.

        Parameters
        ----------
        by : sequence of str
            Empty for everyone, of whom nothing is held equal.
        asked : str
            One of `ESTIMANDS`, or empty for the exposure's own.

        Returns
        -------
        str
            What an exposure does not have, such as a direct effect of one without anything between, is its own instead.
        """
        if not by or asked == DESCRIPTIVE:
            return DESCRIPTIVE
        if len(by) > 1:
            return JOINT
        one = self.exposures[by[0]]
        return asked if asked in one.estimands else one.estimand

    def plain(self) -> dict[str, Any]:
        """The diagram as JSON can hold it; `diagram_from` reads it."""
        return {
            "exposures": {
                name: {**{place: list(getattr(one, place)) for place in _PLACES}, "estimand": one.estimand}
                for name, one in self.exposures.items()
            },
            "not_controlled": dict(self.not_controlled),
        }


def diagram_from(plain: Mapping[str, Any]) -> Diagram:
    """The diagram that `Diagram.plain` wrote."""
    exposures = {
        name: DeclaredExposure(name, tuple(one["before"]), tuple(one["between"]), tuple(one["also"]), one["estimand"])
        for name, one in plain["exposures"].items()
    }
    return Diagram(MappingProxyType(exposures), MappingProxyType(dict(plain["not_controlled"])))


def read_diagram(folder: Path) -> Diagram | None:
    """The diagram of a study folder; None where it declares none.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    DeclarationError
        If the file is not in its schema, or contradicts itself: a variable in two places of one exposure, an exposure before or after
        itself, a circle, or a total that leaves out what the diagram says comes before.
    """
    path = folder / CAUSAL_FILE
    if not path.is_file():
        return None
    whole = TomlTable(read_toml(path), str(path))
    whole.check(required=("exposures",), optional=("not_controlled",))
    given, said = whole.table("exposures", f"{path} [exposures]"), whole.table("not_controlled")
    said.check(optional=LANGUAGES)
    if not given.values:
        raise DeclarationError(
            f"{path} [exposures]: it is empty. Expected a table for each exposure, such as [exposures.age_group]. Add one, or remove the file."
        )
    exposures = {name: _exposure(name, given.table(name, f"{path} [exposures.{name}]")) for name in given.values}
    found = Diagram(
        MappingProxyType(exposures),
        MappingProxyType({lang: said.name(lang, "a text") for lang in LANGUAGES if lang in said.values}),
        str(path),
    )
    _refuse_circles(found)
    _refuse_left_out(found)
    return found


def _exposure(name: str, row: TomlTable) -> DeclaredExposure:
    row.check(optional=(*_PLACES, "estimand"))
    lists = {place: row.texts(place) for place in _PLACES}
    first: dict[str, str] = {}
    for place, names in lists.items():
        for other in names:
            if other == name:
                raise DeclarationError(
                    f'{row.where}: `{place}` names "{other}" itself. Expected other variables: nothing comes before or after itself. Remove it.'
                )
            if other in first:
                raise DeclarationError(f'{row.where}: "{other}" {_twice(first[other], place)}')
            first[other] = place
    one = DeclaredExposure(name, lists["before"], lists["between"], lists["also"], row.text("estimand", TOTAL))
    if one.estimand not in one.estimands:
        raise DeclarationError(
            f'{row.where}: `estimand` is "{one.estimand}". Expected one that it has: {listed(one.estimands)}.'
            f"{did_you_mean(one.estimand, one.estimands)} Write one of these."
        )
    return one


def _twice(first: str, second: str) -> str:
    if first == second:
        return f"stands twice in `{first}`. Expected each variable once. Remove one of the two."
    return (
        f"stands in `{first}` and in `{second}`. Expected one place: before the exposure (a confounder), between it and the answers "
        "(a mediator), or also held equal. Remove it from one of the two."
    )


def _refuse_circles(diagram: Diagram) -> None:
    """Refuse a variable that by the diagram comes before itself."""
    said: dict[tuple[str, str], str] = {}
    for name, one in diagram.exposures.items():
        steps = {(other, name): "before" for other in one.before} | {(name, other): "between" for other in one.between}
        for step, place in steps.items():
            said.setdefault(step, f"[exposures.{name}] `{place}`")
    order = TopologicalSorter[str]()
    for earlier, later in said:
        order.add(later, earlier)
    try:
        order.prepare()
    except CycleError as problem:
        found: list[str] = problem.args[1][:-1]
        start = found.index(next(name for name in diagram.exposures if name in found))
        circle = [*found[start:], *found[: start + 1]]
        where = dict.fromkeys(said[step] for step in pairwise(circle))
        raise DeclarationError(
            f"{diagram.where}: {' -> '.join(circle)} is a circle. Expected that nothing comes before itself. Look at {listed(where, 20)}, "
            "and remove one of these steps."
        ) from problem


def _refuse_left_out(diagram: Diagram) -> None:
    """Refuse a total that leaves out a confounder: what another exposure says to lie after it, and so before this one."""
    for name, one in diagram.exposures.items():
        for mediator in one.between:
            other = diagram.exposures.get(mediator)
            if other is not None and name not in other.before:
                raise DeclarationError(
                    f'{diagram.where} [exposures.{mediator}]: `before` leaves out "{name}", which comes before it by [exposures.{name}] `between`, '
                    "and before the answers: a confounder. Expected it among those. Add it."
                )


def unknown_names(diagram: Diagram, known: Iterable[str]) -> str:
    """What to say of a variable that the codebook does not declare; empty where there is none."""
    known = list(known)
    for name, one in diagram.exposures.items():
        places = (
            ("[exposures]", name),
            *((f"[exposures.{name}] `{p}`", other) for p in _PLACES for other in getattr(one, p)),
        )
        for place, other in places:
            if other not in known:
                return (
                    f'{diagram.where} {place} names "{other}", which the codebook does not declare. Declared: {listed(known, 40)}.'
                    f"{did_you_mean(other, known)}"
                )
    return ""


def estimands_in(
    diagram: Diagram, exposures: Sequence[str], adjusters: Sequence[str] | None, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a model of these exposures adjusts for in all, and the estimands that it can report.

    Parameters
    ----------
    diagram : Diagram
    exposures : sequence of str
    adjusters : sequence of str or None
        As the model file writes them; None where they are to follow from the diagram.
    where : str
        The model file.

    Returns
    -------
    adjusters, estimands : tuples of str
        An estimand of which some adjuster is not written is left out, but for the total.

    Raises
    ------
    DeclarationError
        If an exposure is not in the diagram, a total lacks a confounder, or an adjuster has no place in the diagram.
    """
    for name in exposures:
        _refuse_undeclared(diagram, name, where)
    own = [diagram.exposures[name] for name in exposures]
    every = dict.fromkeys(name for one in own for place in _PLACES for name in getattr(one, place))
    follow = tuple(name for name in every if name not in exposures)
    held = follow if adjusters is None else tuple(adjusters)
    for one in own:
        _refuse_without(one, one.before, (*exposures, *held), where)
    for name in held:
        if name not in follow:
            raise DeclarationError(
                f'{where}: `adjusters` names "{name}", which has no place in {diagram.where} for {listed(exposures, 20)}. Expected some of: '
                f"{listed(follow, 20) or 'none'}.{did_you_mean(name, follow)} Give it a place there, or remove it here."
            )
    there = [name for one in own for name in reported_estimands(one, (*exposures, *held))]
    return held, tuple(name for name in ESTIMANDS if name in there)


def reported_estimands(exposure: DeclaredExposure, held: Iterable[str]) -> list[str]:
    """Estimands of an exposure for which a model holds what they need; the descriptive one needs no model."""
    held = set(held)
    return [name for name in exposure.estimands if name != DESCRIPTIVE and set(exposure.adjusters(name)) <= held]


def refuse_contradicted(
    diagram: Diagram, exposures: Sequence[str], adjusters: Sequence[str], estimands: Sequence[str], where: str
) -> None:
    """Refuse estimands that a model file writes where the diagram says otherwise: a mediator held equal in a total, or a confounder left out.

    "total" holds the adjusters equal; "<exposure>-adjusted" the other exposures too.

    Raises
    ------
    DeclarationError
    """
    for name in exposures:
        one = diagram.exposures.get(name)
        if one is None:
            continue
        for estimand in estimands:
            held = adjusters if estimand == TOTAL else (*adjusters, *(other for other in exposures if other != name))
            _refuse_without(one, one.before, held, where, estimand)
            wrong = [other for other in one.between if estimand == TOTAL and other in held]
            if wrong:
                raise DeclarationError(
                    f'{where}: the total of {name} is adjusted for "{wrong[0]}", which lies between it and the answers by {diagram.where} '
                    f"[exposures.{name}]. Expected a total without its mediators. Leave `estimands` out, so that they follow from the diagram, or "
                    "repair `adjusters`."
                )


def _refuse_undeclared(diagram: Diagram, name: str, where: str) -> None:
    if name not in diagram.exposures:
        known = list(diagram.exposures)
        raise DeclarationError(
            f'{where}: `exposures` names "{name}", of which {diagram.where} says nothing. Declared there: {listed(known, 20)}.'
            f"{did_you_mean(name, known)} Add [exposures.{name}] there, or write `estimands` here."
        )


def _refuse_without(
    one: DeclaredExposure, needed: Iterable[str], held: Iterable[str], where: str, written: str = ""
) -> None:
    """Refuse an estimand without a confounder; `written` is its name where the file gives it itself."""
    held = list(held)
    for name in needed:
        if name not in held:
            label = f"{written} number" if written not in ("", TOTAL) else TOTAL
            cure = ", or leave `estimands` out, so that they follow from the diagram" if written else ""
            raise DeclarationError(
                f'{where}: the {label} of {one.name} leaves out "{name}", which comes before it and the answers by {CAUSAL_FILE} '
                f"[exposures.{one.name}]: a confounder. Expected it among what is held equal. Add it to `adjusters` or `exposures`{cure}."
            )
