"""What a study folder declares, read whole and checked against itself and the survey before anything is fitted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from wwm_models.arguments import confidence_level
from wwm_models.bayes.prior_declarations import read_priors
from wwm_models.claims.article import Article, Reference, read_article
from wwm_models.claims.claimed_quantities import refuse_impossible_sums
from wwm_models.claims.declared_figures import DeclaredFigure
from wwm_models.errors import ArticleError, DeclarationError, ModelError, WwmError, did_you_mean, listed
from wwm_models.estimates.causal_diagram import (
    DESCRIPTIVE,
    ESTIMANDS,
    JOINT,
    TOTAL,
    Diagram,
    read_diagram,
    reported_estimands,
    unknown_names,
)
from wwm_models.estimates.number_key import in_one_order
from wwm_models.messages import language_problem, listed_as, say, variable
from wwm_models.models.model import Model
from wwm_models.study.joint_model_files import JointSpec, read_joint_models
from wwm_models.study.model_files import ENGINES, ModelSpec, read_models
from wwm_models.survey.survey import Collapse, Survey, Variable
from wwm_models.toml_tables import place_of

OVERALL, ALL_EXPOSURES = "overall", "all exposures"


@dataclass(frozen=True)
class Request:
    """One fit of a model: which exposures and adjusters (all, where None) are in it, and which groups are reported under which estimand."""

    exposures: tuple[str, ...]
    reported: tuple[tuple[str, tuple[str, ...]], ...]
    label: str
    adjusters: tuple[str, ...] | None = None

    def predictors_of(self, spec: ModelSpec) -> tuple[str, ...]:
        """The variables of the fit, of this model file."""
        return (*self.exposures, *(spec.adjusters if self.adjusters is None else self.adjusters))


def requests_of(spec: ModelSpec, extra: Iterable[tuple[str, ...]] = ()) -> list[Request]:
    """The fits that a model file asks for.

    Parameters
    ----------
    spec : ModelSpec
    extra : iterable of tuples of str
        Combinations of exposures that the article speaks about.

    Returns
    -------
    list of Request
        The mutually adjusted fit first, then one per total; with a diagram one per set of predictors, the largest first.

    Raises
    ------
    ModelError
        If an estimand is neither "total" nor "<exposure>-adjusted", and does not follow from a diagram.
    """
    if spec.diagram is not None:
        return _requests_by_diagram(spec, spec.diagram, extra)
    allowed = ["total", *(f"{name}-adjusted" for name in spec.exposures)]
    for estimand in spec.estimands:
        if estimand not in allowed:
            raise ModelError(
                f'Model {spec.name}: `estimands` names "{estimand}". Expected some of: {", ".join(allowed)}.{did_you_mean(estimand, allowed)}'
            )
    found: list[Request] = []
    if any(estimand != "total" for estimand in spec.estimands) or len(spec.exposures) < 2:
        reported = [(OVERALL, ()), *((_adjusted_label(spec, name), (name,)) for name in spec.exposures)]
        reported += [(JOINT, by) for by in _crossed(spec, extra)]
        found.append(Request(spec.exposures, tuple(reported), ALL_EXPOSURES))
    if "total" in spec.estimands and len(spec.exposures) > 1:
        totals: list[tuple[tuple[str, tuple[str, ...]], ...]] = [(("total", (name,)),) for name in spec.exposures]
        if not found:  # everyone together: of the first total, where no fit holds all exposures
            totals[0] = ((OVERALL, ()), *totals[0])
        found += [
            Request((name,), reported, say("total_of", variable=variable(name)))
            for name, reported in zip(spec.exposures, totals, strict=True)
        ]
    return found


def _crossed(spec: ModelSpec, extra: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Combinations of exposures that a model reports: its interactions, and those that the article speaks about."""
    every = dict.fromkeys([*_interacting(spec), *extra])
    return [by for by in every if len(by) > 1 and set(by) <= set(spec.exposures)]


def _interacting(spec: ModelSpec) -> list[tuple[str, ...]]:
    """The variables of each interaction, in the order in which an article's groups have them."""
    return [in_one_order(term.split(":")) for term in spec.interactions]


def _requests_by_diagram(spec: ModelSpec, diagram: Diagram, extra: Iterable[tuple[str, ...]]) -> list[Request]:
    """One fit per set of predictors that some estimand needs; everyone together is reported of the first, the largest."""
    held = (*spec.exposures, *spec.adjusters)
    asked = [
        (name, (exposure,))
        for exposure in spec.exposures
        for name in reported_estimands(diagram.exposures[exposure], held)
    ]
    asked += [(JOINT, by) for by in _crossed(spec, extra) if set(diagram.adjusters(by, JOINT)) <= set(held)]
    fits: dict[frozenset[str], list[tuple[str, tuple[str, ...]]]] = {}
    for name, by in asked:
        fits.setdefault(frozenset((*by, *diagram.adjusters(by, name))), []).append((name, by))
    largest = sorted(fits.items(), key=lambda item: -len(item[0]))
    return [
        Request(
            tuple(name for name in spec.exposures if name in predictors),
            ((OVERALL, ()), *reported) if place == 0 else tuple(reported),
            _fit_label(spec, predictors, *reported[0]),
            tuple(name for name in spec.adjusters if name in predictors),
        )
        for place, (predictors, reported) in enumerate(largest)
    ]


def _fit_label(spec: ModelSpec, predictors: Set[str], estimand: str, by: Sequence[str]) -> str:
    """What a fit is called: by its exposures where it holds everything, else by the first number that is reported of it."""
    if predictors == {*spec.exposures, *spec.adjusters}:
        return ALL_EXPOSURES
    if len(by) > 1:
        return say("fit_of_joint", variables=listed_as(variable(name) for name in by))
    return say("total_of" if estimand == TOTAL else f"fit_of_{estimand}", variable=variable(by[0]))


def _adjusted_label(spec: ModelSpec, name: str) -> str:
    others = [other for other in spec.exposures if other != name]
    return f"{'+'.join(others)}-adjusted" if others else "total"


def joint_groups(references: Iterable[tuple[str, tuple[str, ...]]], outcome: str) -> list[tuple[str, ...]]:
    """Combinations of two or more variables that references to an outcome name, each once."""
    return list(dict.fromkeys(by for name, by in references if name == outcome and len(by) > 1))


def _of_other_fits(spec: ModelSpec, request: Request) -> set[str]:
    """Terms of a model file that are not in this fit, where a diagram decides what is."""
    own = spec.written_terms(request.exposures, request.adjusters)
    return set(spec.written_terms(spec.exposures)) - set(own) if spec.diagram is not None else set()


def priors_in(spec: ModelSpec, request: Request) -> Mapping[str, Any]:
    """The priors of a model file for one of its fits: those of terms that stand in others alone are left out."""
    others = _of_other_fits(spec, request)
    terms = {term: prior for term, prior in spec.priors.get("terms", {}).items() if term not in others}
    return {**spec.priors, "terms": terms} if others and "terms" in spec.priors else spec.priors


def model_of(spec: ModelSpec, request: Request) -> Model:
    """The response model of one request of a model file."""
    others = _of_other_fits(spec, request)
    return Model(
        spec.formula(request.exposures, request.adjusters), family=spec.family, link=spec.link,
        nonproportional=tuple(term for term in spec.nonproportional if term not in others),
        thresholds=spec.thresholds, reverse=spec.reverse, baseline=spec.baseline, scale=spec.scale,
        thresholds_by=spec.thresholds_by,
    )  # fmt: skip


def reported_sets(specs: Iterable[ModelSpec], outcome: str, extra: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """All combinations of variables by which an outcome is reported raw: none, each exposure, and the joint ones."""
    own = [spec for spec in specs if spec.outcome == outcome]
    single = [(name,) for spec in own for name in spec.exposures]
    joint = [by for spec in own for by in _interacting(spec)]
    exposures = set(itertools.chain.from_iterable(single))
    return list(dict.fromkeys([(), *single, *joint, *(by for by in extra if set(by) <= exposures)]))


BUILT = ("likelihood", "bayes")


@dataclass(frozen=True)
class Declared:
    """A study folder.

    Attributes
    ----------
    name : str
    folder, codebook : Path
    models : tuple of ModelSpec
    article : Article
        Empty when the study has no article.toml.
    joints : tuple of JointSpec
    """

    name: str
    folder: Path
    codebook: Path
    models: tuple[ModelSpec, ...]
    article: Article
    joints: tuple[JointSpec, ...] = ()

    def files(self) -> list[Path]:
        """Every declared file that a result depends on."""
        return [self.codebook, *sorted(path for path in self.folder.glob("*.toml") if path.name != "codebook.toml")]

    def with_items(self) -> Declared:
        """The same with every item of a joint model as a model of its own, after the others."""
        items = (item for joint in self.joints for item in joint.item_specs())
        return replace(self, models=(*self.models, *items))


def read_study(
    folder: Path,
    codebook: Path | None,
    *,
    engines: Sequence[str],
    level: float,
    lang: str,
    without: Sequence[str] = (),
) -> Declared:
    """Read a study folder, but for the models named in `without`, and refuse settings that mean nothing.

    Raises
    ------
    DeclarationError, ArticleError, ModelError
    """
    for engine in engines:
        if engine not in ENGINES:
            raise DeclarationError(
                f'engine "{engine}" is not known. Known: {listed(ENGINES)}.{did_you_mean(engine, ENGINES)}'
            )
        if engine not in BUILT:
            raise DeclarationError(
                f'engine "{engine}" is not built yet. Built: {listed(BUILT)}. Leave it out of --engine.'
            )
    confidence_level(level)
    if language_problem(lang):
        raise DeclarationError(language_problem(lang))
    models, joints = read_models(folder), read_joint_models(folder)
    _check_without(without, [spec.name for spec in (*models, *joints)], folder)
    every = (*models, *(item for joint in joints for item in joint.item_specs()))
    models = tuple(spec for spec in models if spec.name not in without)
    joints = tuple(spec for spec in joints if spec.name not in without)
    for spec in models:
        read_priors(spec.priors, f"{folder / spec.name}.toml, [priors]")
        try:
            for request in requests_of(spec):
                model_of(spec, request)
        except ModelError as problem:
            raise named(problem, folder / f"{spec.name}.toml") from problem
    _refuse_two_judges(models, folder)
    path = folder / "article.toml"
    article = read_article(path) if path.is_file() else Article(diagram=read_diagram(folder))
    if any(claim.kind == "equivalence" for claim in article.claims):
        confidence_level(level, least=0.5)
    for figure in article.figures:
        _refuse_undrawn(figure, every, article, path)
    return Declared(
        folder.resolve().name,
        folder,
        codebook or folder / "codebook.toml",
        _as_the_article_speaks(models, article),
        article,
        joints if "bayes" in engines else (),
    )


Problem = TypeVar("Problem", bound=WwmError)


def named(problem: Problem, path: Path) -> Problem:
    """The same error with the file it is about in front, unless it names it already."""
    return problem if str(path) in str(problem) else type(problem)(f"{path}: {problem}")


def _refuse_undrawn(figure: DeclaredFigure, specs: Sequence[ModelSpec], article: Article, path: Path) -> None:
    """Refuse a figure that would be left out: of a question without a model, or by groups that no model of it reports."""
    where, modelled = f"{path} [[figure]] {figure.id}", sorted({spec.outcome for spec in specs})
    for name in figure.outcomes:
        if name not in modelled:
            raise ArticleError(
                f'{where}: `outcomes` names "{name}", which has no model file. Expected some of: {listed(modelled, 40)}.'
                f"{did_you_mean(name, modelled)} Add a model, or repair the list."
            )
    named = [(reference.outcome, reference.by) for reference in article.references()]
    sets = dict.fromkeys(
        by for name in figure.outcomes for by in reported_sets(specs, name, joint_groups(named, name)) if by
    )
    if figure.by and figure.by not in sets:
        known = listed(f"[{', '.join(by)}]" for by in sets)
        raise ArticleError(
            f"{where}: `by` is [{', '.join(figure.by)}], and no model of its outcomes reports such groups. Expected one of: {known}. "
            "Repair the list, or add the variable to `exposures` of the model."
        )


def _refuse_two_judges(models: Sequence[ModelSpec], folder: Path) -> None:
    """Refuse two primary models of one outcome: claims about it are judged by one."""
    judges: dict[str, str] = {}
    for spec in models:
        if not spec.primary:
            continue
        other = judges.setdefault(spec.outcome, spec.name)
        if other != spec.name:
            raise DeclarationError(
                f"{folder / spec.name}.toml and {other}.toml are both the primary model of {spec.outcome}. Expected one, by which claims about it are "
                "judged. Write primary = false in the file of the other."
            )


def joint_names(folder: Path) -> tuple[str, ...]:
    """Names of the joint models that a study folder declares."""
    return tuple(spec.name for spec in read_joint_models(folder))


def _check_without(without: Sequence[str], known: Sequence[str], folder: Path) -> None:
    for name in without:
        if name not in known:
            raise DeclarationError(
                f'{folder} declares no model "{name}", so it cannot be left out. Declared: {listed(known, 40)}.{did_you_mean(name, known)}'
            )


def _as_the_article_speaks(models: tuple[ModelSpec, ...], article: Article) -> tuple[ModelSpec, ...]:
    """Models in the order in which the article first names their outcomes; outcomes it does not name come last."""
    place: dict[str, int] = {}
    for reference in article.references():
        place.setdefault(reference.outcome, len(place))
    return tuple(sorted(models, key=lambda spec: (place.get(spec.outcome, len(place)), not spec.primary)))


def collapses_of(survey: Survey) -> dict[str, dict[str, tuple[str, ...]]]:
    """The codebook's collapses by variable."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for collapse in survey.collapses.values():
        found.setdefault(collapse.variable, {})[collapse.id] = collapse.levels
    return found


def check_names(declared: Declared, variables: Mapping[str, Variable], collapses: Mapping[str, Collapse]) -> None:
    """Refuse a study whose models or article name what the codebook does not declare.

    Parameters
    ----------
    declared : Declared
    variables, collapses : mappings by name
        Of the codebook.

    Raises
    ------
    DeclarationError, ArticleError
    """
    known = list(variables)
    if declared.article.diagram is not None and (problem := unknown_names(declared.article.diagram, known)):
        raise DeclarationError(problem)
    for spec in (*declared.models, *declared.joints):
        for key, name in _named_variables(spec):
            if name not in known:
                raise DeclarationError(
                    f'{declared.folder / spec.name}.toml: `{key}` names "{name}", which the codebook does not declare. '
                    f"Declared: {listed(known, 40)}.{did_you_mean(name, known)}"
                )
    for owner, reference in declared.article.references_by_id():
        merged = [collapse.id for collapse in collapses.values() if collapse.variable == reference.outcome]
        complaint = _wrong_reference(reference, variables, merged)
        if complaint:
            path = declared.folder / "article.toml"
            raise ArticleError(f"{path}, {place_of(owner, path)} speaks of {complaint}")

    _check_estimands(declared, known)
    refuse_impossible_sums(declared.article, variables, collapses, declared.folder / "article.toml")
    for figure in declared.article.figures:
        _check_drawn(figure, declared.folder / "article.toml", variables)
        answers = [
            *(name for outcome in figure.outcomes for name in _levels(variables[outcome])),
            *(one.id for one in collapses.values() if one.variable in figure.outcomes),
        ]
        for category in figure.categories:
            if category not in answers:
                raise ArticleError(
                    f'{declared.folder / "article.toml"} draws the answer "{category}" in figure {figure.id}, whose `categories` can be: '
                    f"{listed(dict.fromkeys(answers), 40)}.{did_you_mean(category, answers)} Name one of these."
                )


def _check_drawn(figure: DeclaredFigure, path: Path, variables: Mapping[str, Variable]) -> None:
    """Refuse a figure of what is not declared or has no levels, or by the question that it draws."""
    known = list(variables)
    for name in (*figure.outcomes, *figure.by):
        where = f'{path} draws "{name}" in figure {figure.id}'
        if name not in known:
            raise ArticleError(
                f"{where}, which the codebook does not declare. Declared: {listed(known, 40)}.{did_you_mean(name, known)}"
            )
        if not variables[name].levels:
            raise ArticleError(f"{where}, which is a number without levels. {_CUT}")
        if name in figure.by and name in figure.outcomes:
            raise ArticleError(
                f"{where}, by groups of itself. Expected groups of another variable. Repair `outcomes` or `by`."
            )


_CUT: Final = "Expected a variable with levels. Name another, or cut it into levels in the codebook."


def _check_estimands(declared: Declared, known: Sequence[str]) -> None:
    """Refuse an estimand of the article or a claim that no model can have, or that the diagram does not give to what it names."""
    article, end = declared.article, "-adjusted"
    for where, estimand, references in (
        ("[article]", article.estimand, list(article.references())),
        *((f"claim {one.id}", one.estimand, list(one.every_reference())) for one in article.claims),
    ):
        place = f'{declared.folder / "article.toml"}, {where}: `estimand` is "{estimand}".'
        if estimand and article.diagram is not None:
            there = _estimands_of(references, article.diagram)
            if estimand not in there:
                raise ArticleError(
                    f"{place} Expected one that what it names has by {article.diagram.where}: {listed(there)}.{did_you_mean(estimand, there)} "
                    "Write one of these, or leave it out."
                )
            continue
        names = estimand.removesuffix(end).split("+") if estimand.endswith(end) else []
        if estimand in ("", "total") or (names and set(names) <= set(known)):
            continue
        raise ArticleError(
            f'{place} Expected "total", or the variables that are adjusted for, such as "household-adjusted". Repair it, or leave it out.'
        )


def _estimands_of(references: Iterable[Reference], diagram: Diagram) -> list[str]:
    """The estimands of the exposures that some references name, one at a time; "descriptive" is always one."""
    named = dict.fromkeys(at.by[0] for at in references if len(at.by) == 1)
    own = (diagram.exposures[name].estimands for name in named if name in diagram.exposures)
    found = {DESCRIPTIVE, *itertools.chain.from_iterable(own)}
    return [name for name in ESTIMANDS if name in found]


def _named_variables(spec: ModelSpec | JointSpec) -> list[tuple[str, str]]:
    """Variables that a model file names, each with the key where it does."""
    if isinstance(spec, JointSpec):
        found = [("joint", name) for name in spec.items]
    else:
        margins = spec.population if isinstance(spec.population, Mapping) else {}
        found = [("outcome", spec.outcome), *(("thresholds_by", name) for name in filter(None, (spec.thresholds_by,)))]
        found += [("population", part) for name in margins for part in name.split(":")]
    return [
        *found,
        *(("exposures", name) for name in spec.exposures),
        *(("adjusters", name) for name in spec.adjusters),
    ]


def _wrong_reference(reference: Reference, variables: Mapping[str, Variable], collapses: Sequence[str]) -> str:
    """What a number of the article names that the codebook does not have, with what to do; empty where it names nothing of the kind."""
    known = list(variables)
    for name in (reference.outcome, *reference.by):
        if name not in known:
            return f'"{name}", which the codebook does not declare. Declared: {listed(known, 40)}.{did_you_mean(name, known)}'
        if not variables[name].levels:
            return f'"{name}", which is a number without levels. {_CUT}'
    if reference.outcome in reference.by:
        return f"{reference}: a group of answers to the same question. Expected a group of another variable. Repair `group`."
    answers = [*_levels(variables[reference.outcome]), *collapses]
    if reference.category not in answers:
        return (
            f'the answer "{reference.category}" of {reference.outcome}, which has: {listed(answers, 40)}.'
            f"{did_you_mean(reference.category, answers)} Name one of these, or declare it as a collapse in the codebook."
        )
    for name, own in reference.levels.items():
        levels = _levels(variables[name])
        for level in own:
            if level not in levels:
                return f'the group {name} = "{level}". Its levels: {listed(levels, 40)}.{did_you_mean(level, levels)} Name one of these.'
    return ""


def _levels(variable: Variable) -> list[str]:
    return [level.id for level in variable.levels]
