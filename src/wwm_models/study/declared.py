"""What a study folder declares, read whole and checked against itself and the survey before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wwm_models.arguments import confidence_level
from wwm_models.article import Article, read_article
from wwm_models.article.reader import Reference
from wwm_models.declared.joint import JointSpec, read_joint_models
from wwm_models.declared.models import ENGINES, ModelSpec, read_models
from wwm_models.engines.bayes.declared import read_priors
from wwm_models.errors import ArticleError, DeclarationError, did_you_mean, listed
from wwm_models.records import Collapse, Survey, Variable
from wwm_models.study.models import model_of, requests_of

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
    if lang not in ("nl", "en"):
        raise DeclarationError(f'lang = "{lang}" is not known. Expected nl or en.')
    models, joints = read_models(folder), read_joint_models(folder)
    _check_without(without, [spec.name for spec in (*models, *joints)], folder)
    models = tuple(spec for spec in models if spec.name not in without)
    joints = tuple(spec for spec in joints if spec.name not in without)
    for spec in models:
        read_priors(spec.priors, f"{folder / spec.name}.toml, [priors]")
        for request in requests_of(spec):
            model_of(spec, request)
    path = folder / "article.toml"
    article = read_article(path) if path.is_file() else Article()
    if any(claim.kind == "equivalence" for claim in article.claims):
        confidence_level(level, least=0.5)
    return Declared(
        folder.resolve().name,
        folder,
        codebook or folder / "codebook.toml",
        _as_the_article_speaks(models, article),
        article,
        joints if "bayes" in engines else (),
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
    for spec in declared.with_items().models:
        margins = (
            [part for name in spec.population for part in name.split(":")]
            if isinstance(spec.population, Mapping)
            else []
        )
        for name in filter(None, (spec.outcome, *spec.exposures, *spec.adjusters, spec.thresholds_by, *margins)):
            if name not in known:
                raise DeclarationError(
                    f'{declared.folder / spec.name}.toml names "{name}", which the codebook does not declare. '
                    f"Declared: {listed(known, 40)}.{did_you_mean(name, known)}"
                )
    for reference in dict.fromkeys(declared.article.references()):
        merged = [collapse.id for collapse in collapses.values() if collapse.variable == reference.outcome]
        _check_reference(reference, declared.folder / "article.toml", variables, merged)

    for figure in declared.article.figures:
        for name in (*figure.outcomes, *figure.by):
            if name not in known:
                raise ArticleError(
                    f'{declared.folder / "article.toml"} draws "{name}" in figure {figure.id}, which the codebook does not declare. '
                    f"Declared: {listed(known, 40)}.{did_you_mean(name, known)}"
                )


def _check_reference(
    reference: Reference, path: Path, variables: Mapping[str, Variable], collapses: Sequence[str]
) -> None:
    known = list(variables)
    for name in (reference.outcome, *reference.by):
        if name not in known:
            raise ArticleError(
                f'{path} speaks of "{name}", which the codebook does not declare. Declared: {listed(known, 40)}.{did_you_mean(name, known)}'
            )
    answers = [*_levels(variables[reference.outcome]), *collapses]
    if reference.category not in answers:
        raise ArticleError(
            f'{path} speaks of the answer "{reference.category}" of {reference.outcome}, which has: {listed(answers, 40)}.'
            f"{did_you_mean(reference.category, answers)}"
        )
    for name, level in reference.group:
        levels = _levels(variables[name])
        if level not in levels:
            raise ArticleError(
                f'{path} speaks of the group {name} = "{level}". Its levels: {listed(levels, 40)}.{did_you_mean(level, levels)}'
            )


def _levels(variable: Variable) -> list[str]:
    return [level.id for level in variable.levels]
