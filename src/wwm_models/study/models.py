"""One declared model: its fits, adjusted probabilities and contrasts, or why there are none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust import adjusted, contrasts
from wwm_models.adjust.table import Collapses
from wwm_models.declared.models import ModelSpec
from wwm_models.engines import fit
from wwm_models.errors import ModelError, SeparationError, did_you_mean
from wwm_models.families import Model
from wwm_models.numerics.intervals import critical_value
from wwm_models.records import Estimates, Fit, Survey
from wwm_models.stages import PASSING, Stages, failed
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.diagnostics import diagnostics as described
from wwm_models.study.diagnostics import failure

COEFFICIENT_COLUMNS = ("estimand", "term", "estimate", "std_error", "lower", "upper", "level")


@dataclass(frozen=True, eq=False)
class ModelResult:
    """What one model file gives.

    Attributes
    ----------
    name : str
    estimates : tuple of (estimand, Estimates)
        By-variables are text. Those with draws are the posterior's, the others the likelihood's.
    contrasts : tuple of (estimand, Estimates)
    coefficients, diagnostics : DataFrame
    excluded : mapping of reason to rows
    problems : tuple of str
        Sentences about what is not usable; empty when all is well.
    log_priors : mapping of origin to (s,) array
        Log prior density of every draw of the model's posterior.
    """

    name: str
    estimates: tuple[tuple[str, Estimates], ...]
    contrasts: tuple[tuple[str, Estimates], ...]
    coefficients: pd.DataFrame
    diagnostics: pd.DataFrame
    excluded: dict[str, int]
    problems: tuple[str, ...]
    log_priors: Mapping[str, NDArray[np.float64]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Request:
    """One fit of a model: which exposures are in it, and which groups are reported under which estimand."""

    exposures: tuple[str, ...]
    reported: tuple[tuple[str, tuple[str, ...]], ...]
    label: str


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
        The mutually adjusted fit first, then one per total.

    Raises
    ------
    ModelError
        If an estimand is neither "total" nor "<exposure>-adjusted".
    """
    allowed = ["total", *(f"{name}-adjusted" for name in spec.exposures)]
    for estimand in spec.estimands:
        if estimand not in allowed:
            raise ModelError(
                f'Model {spec.name}: `estimands` names "{estimand}". Expected some of: {", ".join(allowed)}.{did_you_mean(estimand, allowed)}'
            )
    found: list[Request] = []
    if any(estimand != "total" for estimand in spec.estimands) or len(spec.exposures) < 2:
        pairs = [tuple(term.split(":")) for term in spec.interactions]
        joint = [by for by in dict.fromkeys([*pairs, *extra]) if len(by) > 1 and set(by) <= set(spec.exposures)]
        reported = [("overall", ()), *((_adjusted_label(spec, name), (name,)) for name in spec.exposures)]
        reported += [("joint", by) for by in joint]
        found.append(Request(spec.exposures, tuple(reported), "all exposures"))
    if "total" in spec.estimands and len(spec.exposures) > 1:
        totals: list[tuple[tuple[str, tuple[str, ...]], ...]] = [(("total", (name,)),) for name in spec.exposures]
        if not found:  # everyone together: of the first total, where no fit holds all exposures
            totals[0] = (("overall", ()), *totals[0])
        found += [
            Request((name,), reported, f"total {name}") for name, reported in zip(spec.exposures, totals, strict=True)
        ]
    return found


def _adjusted_label(spec: ModelSpec, name: str) -> str:
    others = [other for other in spec.exposures if other != name]
    return f"{'+'.join(others)}-adjusted" if others else "total"


def run_model(
    spec: ModelSpec, survey: Survey, collapses: Collapses, extra: Sequence[tuple[str, ...]], level: float
) -> ModelResult:
    """Fit everything a model file asks for; a fit that fails is reported and the others go on.

    Parameters
    ----------
    spec : ModelSpec
    survey : Survey
    collapses : mapping of name to answers
        Of the outcome.
    extra : sequence of tuples of str
        Joint groups the article speaks about.
    level : float
        Of the intervals, above 0 and below 1.
    """
    people = people_of(spec, survey)
    estimates: list[tuple[str, Estimates]] = []
    compared: list[tuple[str, Estimates]] = []
    coefficients: list[pd.DataFrame] = []
    diagnostics: list[pd.DataFrame] = []
    excluded: dict[str, int] = {}
    problems: list[str] = []
    stages = Stages()
    for request in requests_of(spec, extra):
        try:
            fitted = fit(model_of(spec, request), people, penalty="" if spec.penalty == "none" else spec.penalty)
        except PASSING:
            raise
        except Exception as problem:
            status, said = status_of(problem)
            problems.append(f"{spec.name} ({request.label}): {status}. {said}")
            diagnostics.append(failure(request.label, status, said))
            continue
        excluded = excluded or dict(fitted.cells.excluded)
        coefficients.append(_coefficients(fitted, request, level))
        diagnostics.append(described(fitted, request.label, spec.name, stages))
        if fitted.status != "ok":
            problems.append(f"{spec.name} ({request.label}): {fitted.status}. {fitted.message}")
            continue
        for label, by in request.reported:
            stage = f"{spec.name} ({label})"
            average = partial(adjusted, fitted, by or None, over=spec.population, level=level, collapses=collapses)
            found = stages.attempt(stage, average, otherwise=None)
            if found is None:
                continue
            found = labelled(found, label)
            estimates.append((label, found))
            for name in by if spec.contrasts != "none" else ():
                if level_count(found, name) > 1:
                    compare = partial(contrasts_of, spec, found, name, level)
                    own = stages.attempt(f"{stage}, contrasts of {name}", compare, otherwise=None)
                    compared += [(label, own)] if own is not None else []
    return ModelResult(
        spec.name, tuple(estimates), tuple(compared), _stacked(coefficients, COEFFICIENT_COLUMNS),
        _stacked(diagnostics, DIAGNOSTIC_COLUMNS), excluded, (*problems, *stages.problems),
    )  # fmt: skip


def status_of(problem: Exception) -> tuple[str, str]:
    """What diagnostics.csv calls a failure, and the sentence about it."""
    if isinstance(problem, SeparationError):
        return "separated", str(problem)
    return "failed", failed(problem).removeprefix("failed. ")


def nothing_of(spec: ModelSpec, said: str) -> ModelResult:
    """The result of a model that gave none."""
    label = "all exposures"
    return ModelResult(
        spec.name, (), (), pd.DataFrame(columns=pd.Index(COEFFICIENT_COLUMNS)), failure(label, "failed", said), {},
        (f"{spec.name} ({label}): failed. {said}",),
    )  # fmt: skip


def people_of(spec: ModelSpec, survey: Survey) -> Survey:
    """The respondents with the weights that the model file asks for."""
    return survey.unweighted() if spec.weights == "none" else survey


def joint_groups(references: Iterable[tuple[str, tuple[str, ...]]], outcome: str) -> list[tuple[str, ...]]:
    """Combinations of two or more variables that references to an outcome name, each once."""
    return list(dict.fromkeys(by for name, by in references if name == outcome and len(by) > 1))


def model_of(spec: ModelSpec, request: Request) -> Model:
    """The response model of one request of a model file."""
    return Model(
        spec.formula(request.exposures), family=spec.family, link=spec.link, nonproportional=spec.nonproportional,
        thresholds=spec.thresholds, reverse=spec.reverse, baseline=spec.baseline, scale=spec.scale,
        thresholds_by=spec.thresholds_by,
    )  # fmt: skip


def contrasts_of(spec: ModelSpec, found: Estimates, name: str, level: float) -> Estimates:
    """Contrasts of one variable, of the kind that the model file asks for."""
    return contrasts(found, name, pairwise=spec.contrasts == "pairwise", level=level)


def level_count(found: Estimates, name: str) -> int:
    """How many levels of a variable the estimates have."""
    return found.table[name].nunique()


def labelled(found: Estimates, label: str) -> Estimates:
    """The estimand's short name in front of its long text, and by-variables as text."""
    table = found.table.assign(estimand=[f"{label}: {text}" for text in found.table["estimand"]])
    return replace(found, table=table.assign(**{name: table[name].astype(str).astype(object) for name in found.by}))


def _coefficients(fitted: Fit, request: Request, level: float) -> pd.DataFrame:
    estimate, std_error = fitted.params.to_numpy(), fitted.std_errors.to_numpy()
    half = critical_value(level, fitted.design_df) * std_error
    return pd.DataFrame(
        {
            "estimand": request.label, "term": fitted.params.index, "estimate": estimate, "std_error": std_error,
            "lower": estimate - half, "upper": estimate + half, "level": level,
        }
    )  # fmt: skip


def _stacked(parts: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(columns))


def reported_sets(specs: Iterable[ModelSpec], outcome: str, extra: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """All combinations of variables by which an outcome is reported raw: none, each exposure, and the joint ones."""
    own = [spec for spec in specs if spec.outcome == outcome]
    single = [(name,) for spec in own for name in spec.exposures]
    joint = [tuple(term.split(":")) for spec in own for term in spec.interactions]
    exposures = set(itertools.chain.from_iterable(single))
    return list(dict.fromkeys([(), *single, *joint, *(by for by in extra if set(by) <= exposures)]))
