"""What a run is and publishes besides its estimates: manifest, declarations, bounds, and models that are withheld.

The manifest says what a result came from: hashes of the inputs, settings, versions, status and seconds (`run_manifest`). `declared_facts` is what
a study declares, as JSON can hold it: the page is made from it, also long after the run. `bounds_csv` is for a study that declares margins.
`refused_models` are those that publish nothing because they would give a suppressed group away; `silenced` is what is left of their results.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from wwm_models.claims.article import Article, as_plain
from wwm_models.disclosure.determined import Equations, Refused, equations_of, refused
from wwm_models.disclosure.suppressed_tables import ModelOf, Withheld, models_that_disclose, reproducing, withhold
from wwm_models.disclosure.suppression import Raws
from wwm_models.errors import AnswersError, ArticleError, ModelError, WwmError
from wwm_models.estimates.causal_diagram import ESTIMANDS
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.raw import raw
from wwm_models.identification.bounds import BoundsResult, bounds
from wwm_models.identification.joint_table import Margins, measured_margins, read_margins
from wwm_models.messages import listed_as, say, variable
from wwm_models.parallel import begin
from wwm_models.results.folder import key_of
from wwm_models.results.results import Results, file_sha256
from wwm_models.study.declarations import Declared, collapses_of, model_of, reported_sets, requests_of
from wwm_models.study.diagnostics import failure
from wwm_models.study.fits import ModelResult, joint_of, people_of
from wwm_models.study.judging_models import Judges
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.result_tables import adjusted_of, with_study
from wwm_models.study.robustness import printed_groupings
from wwm_models.survey.survey import Survey

PACKAGES = ("wwm-models", "numpy", "scipy", "pandas", "patsy", "pyreadstat", "nutpie")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


def inputs(declared: Declared, name: str, sha256: str) -> dict[str, str]:
    """The sha256 of the data and of every declared file, by file name."""
    return {name: sha256, **{path.name: file_sha256(path) for path in declared.files()}}


def run_key(declared: Declared, name: str, sha256: str, settings: Mapping[str, Any]) -> str:
    """Hash of everything a model's result depends on."""
    return key_of({"inputs": inputs(declared, name, sha256), "settings": dict(settings), "versions": versions()})


def run_manifest(
    declared: Declared,
    name: str,
    survey: Survey,
    settings: Mapping[str, Any],
    results: Sequence[ModelResult],
    started: pd.Timestamp,
) -> dict[str, Any]:
    """The manifest without the list of files; `name` is that of the data."""
    return {
        "study": declared.name,
        "data": "SYNTHETIC" if survey.synthetic else "real",
        "data_file": name,
        "inputs": inputs(declared, name, survey.sha256),
        "settings": dict(settings),
        "versions": versions(),
        "models": {
            result.name: {"status": "problem" if result.problems else "ok", "problems": list(result.problems)}
            for result in results
        },
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((pd.Timestamp.now() - started).total_seconds(), 3),
    }


def declared_facts(declared: Declared) -> dict[str, Any]:
    """Models, claims and figures of a study.

    Parameters
    ----------
    declared : Declared

    Returns
    -------
    dict
        "models" (name to facts), what `as_plain` gives of the article, and where there is a "diagram" what judges each reference.
    """
    facts: dict[str, Any] = {
        "models": {spec.name: _facts(spec) for spec in declared.models},
        **as_plain(declared.article),
    }
    if declared.article.diagram is None:
        return facts
    judges = {asked: Judges(declared.article, declared.models, asked) for asked in ("", *ESTIMANDS)}
    claims = [_judged(claim, judges[claim["estimand"] or declared.article.estimand]) for claim in facts["claims"]]
    return {**facts, "claims": claims, "diagram": declared.article.diagram.plain()}


def _judged(claim: Mapping[str, Any], judges: Judges) -> dict[str, Any]:
    """A claim whose references say which model and which of its estimands judge them; its parts likewise."""

    def judged(at: Mapping[str, Any]) -> dict[str, Any]:
        by = tuple(at["group"])
        model = judges.model(at["outcome"], by)
        return {**at, "model": model.name, "estimand": judges.label(model, by)} if model is not None else dict(at)

    references, parts = [judged(at) for at in claim["references"]], [_judged(part, judges) for part in claim["parts"]]
    return {**claim, "references": references, "parts": parts}


def _facts(spec: ModelSpec) -> dict[str, Any]:
    return {
        "outcome": spec.outcome,
        "formula": spec.formula(spec.exposures),
        "family": spec.family,
        "link": spec.link,
        "primary": spec.primary,
        "tolerance": spec.tolerance,
        "weights": spec.weights,
        "estimands": list(spec.estimands),
        "exposures": list(spec.exposures),
    }


FILE = "margins.toml"


Bounded = tuple[BoundsResult | None, list[str]]


def begin_bounds(declared: Declared, survey: Survey) -> Callable[[], Bounded]:
    """Start on what the printed article alone allows, in a process of its own, and give the function that waits for it.

    How the two exposures go together is taken from the respondents; from margins.toml only where the survey does not have them.

    Parameters
    ----------
    declared : Declared
    survey : Survey

    Returns
    -------
    function of nothing
        The bounds, and why nothing can be said; neither without margins.toml.

    Raises
    ------
    DeclarationError
        If margins.toml is not in its schema.
    """
    path = declared.folder / FILE
    if not path.is_file() or not (declared.article.published or declared.article.claims):
        return lambda: (None, [])
    margins = read_margins(path, declared.codebook)
    return begin(_bounded, declared.article, measured_margins(margins, survey) or margins)


def _bounded(article: Article, margins: Margins) -> Bounded:
    """With the article's sentences; without them where they, or the printed numbers, exclude each other."""
    problems: list[str] = []
    for words in (True, False):
        try:
            return bounds(article, margins, words=words), problems
        except ArticleError as problem:
            problems = [str(problem)]
    return None, problems


def with_bounds(results: Results, found: BoundsResult | None) -> Results:
    """Results with the table of bounds among the others."""
    if found is None:
        return results
    return replace(
        results, tables={**results.tables, "bounds": bounds_csv(found, results.study, synthetic=results.synthetic)}
    )


def bounds_csv(found: BoundsResult, study: str, *, synthetic: bool = False) -> pd.DataFrame:
    """The rows of bounds.csv. No model is concerned; where the margins are an assumption, or of invented respondents, the rows say SYNTHETIC."""
    table = pd.concat([one.curve for one in (found, found.words) if one is not None], ignore_index=True)
    table.insert(0, "model", "")
    return with_study(table, study, "SYNTHETIC" if synthetic or found.margins.status == "assumption" else "real")


CHECK, STATUS = "disclosure", "withheld"  # in diagnostics.csv
LEVEL = 0.95  # of raw intervals, which decide nothing here


def raws_of(
    declared: Declared, survey: Survey, collapses: Mapping[str, Mapping[str, tuple[str, ...]]], level: float
) -> dict[str, dict[tuple[str, ...], Estimates]]:
    """Raw percentages of every outcome by everything it is reported or printed by."""
    printed = printed_groupings(declared.article, survey)
    found: dict[str, dict[tuple[str, ...], Estimates]] = {}
    for outcome in dict.fromkeys([*(spec.outcome for spec in declared.models), *printed]):
        reported = reported_sets(declared.models, outcome, joint_of(declared.article, outcome))
        found[outcome] = {
            by: raw(survey, outcome, by or None, level=level, collapses=collapses.get(outcome))
            for by in dict.fromkeys([*reported, *printed.get(outcome, [])])
        }
    return found


def foreseen(declared: Declared, survey: Survey) -> Mapping[str, str]:
    """The models that a run would withhold, as far as that is known before they are fitted, each with the reason.

    Parameters
    ----------
    declared : Declared
        With the items of its joint models.
    survey : Survey
    """
    if survey.suppress_below <= 0:
        return {}
    try:
        raws, withheld = withhold(survey, raws_of(declared, survey, collapses_of(survey), LEVEL))
    except WwmError:  # the reason stands among the fits that cannot be made
        return {}
    return refused_models(declared.models, [], declared.article, raws, withheld, survey).models


def refused_models(
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    article: Article,
    raws: Raws,
    withheld: Withheld,
    survey: Survey,
) -> Refused:
    """Give the models that publish nothing, each with a sentence that says why and what to do.

    Parameters
    ----------
    specs, results : sequences of equal length
    article : Article
    raws : mapping of outcome to mapping of by-variables to Estimates
        Without what is suppressed.
    withheld : Withheld
    survey : Survey
    """
    models = [ModelOf(spec.name, spec.outcome, _predictors(spec, article)) for spec in specs]
    told = models_that_disclose(models, raws, withheld) | reproducing(adjusted_of(results), withheld)
    closed = {spec.name: _told(spec, withheld) for spec in specs if spec.name in told}
    first = sorted(specs, key=lambda spec: not spec.primary)
    fits = [fit for spec in first for fit in fits_of(spec, article, survey)]
    return refused(fits, raws, withheld, survey, closed)


def _predictors(spec: ModelSpec, article: Article) -> tuple[frozenset[str], ...]:
    requests = requests_of(spec, joint_of(article, spec.outcome))
    return tuple(frozenset(request.predictors_of(spec)) for request in requests)


def fits_of(spec: ModelSpec, article: Article, survey: Survey) -> list[Equations]:
    """The equations of every fit of a model file; a fit that the survey does not allow has none."""
    found: list[Equations] = []
    people = people_of(spec, survey)
    for request in requests_of(spec, joint_of(article, spec.outcome)):
        try:
            found.append(equations_of(spec.name, request.label, model_of(spec, request), people))
        except (ModelError, AnswersError):
            continue
    return found


def _told(spec: ModelSpec, withheld: Withheld) -> str:
    names = listed_as(variable(name) for name in spec.exposures) or "the question"
    return say("follows_together", outcome=variable(spec.outcome), below=withheld.below, names=names)


def silenced(result: ModelResult, why: str) -> ModelResult:
    """A model's result with nothing of it in messages and comparisons but why it is withheld; its numbers go with the tables."""
    if not why:
        return result
    labels = list(dict.fromkeys(result.diagnostics["estimand"].astype(str)))
    kept = result.diagnostics[result.diagnostics["check"] == "n"].assign(message="")
    rows = [failure(label, STATUS, why).assign(check=CHECK) for label in labels]
    return replace(
        result,
        diagnostics=pd.concat([kept, *rows], ignore_index=True),
        problems=(say("model_withheld", model=result.name, why=why),),
    )


def judged_specs(specs: Sequence[ModelSpec], told: Collection[str]) -> list[ModelSpec]:
    """The models, of which those that are left out judge no claim, nor groups that they cross."""
    return [replace(spec, primary=False, interactions=()) if spec.name in told else spec for spec in specs]
