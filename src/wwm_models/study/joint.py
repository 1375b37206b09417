"""The joint models of a study: sampled once, and their adjusted probabilities as one model result per item."""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.adjust import adjusted_items
from wwm_models.declared.joint import JointSpec
from wwm_models.declared.models import ModelSpec
from wwm_models.engines.bayes.chains import Under
from wwm_models.engines.bayes.health import ESS_LIMIT, RHAT_LIMIT
from wwm_models.engines.bayes.joint.density import JointPriors
from wwm_models.engines.bayes.joint.sample import sample_joint
from wwm_models.engines.bayes.joint.storage import write_joint_netcdf
from wwm_models.errors import FitError, ModelError
from wwm_models.many import PROCESSES
from wwm_models.numerics.intervals import central_limits
from wwm_models.records import Estimates, JointPosterior
from wwm_models.stages import PASSING
from wwm_models.study.declared import Declared
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.diagnostics import Row, failure
from wwm_models.study.joint_checks import checks_of_items
from wwm_models.study.kept import result_from, stored_form
from wwm_models.study.models import (
    COEFFICIENT_COLUMNS,
    ModelResult,
    contrasts_of,
    labelled,
    level_count,
    people_of,
    requests_of,
    status_of,
)
from wwm_models.study.posteriors import chains_of, posterior_file
from wwm_models.study.running import Work, joint_of

Progress = Callable[[str, int, int], None]
LABEL = "all exposures (bayes joint)"


def with_joint_results(
    results: list[ModelResult], declared: Declared, work: Work, tell: Progress
) -> tuple[list[ModelResult], Declared]:
    """The results of a study's models followed by those of the items of its joint models, and the study with a model per item."""
    items = [result for joint in declared.joints for result in joint_results(joint, work, tell)]
    return [*results, *items], declared.with_items()


def joint_results(spec: JointSpec, work: Work, tell: Progress) -> list[ModelResult]:
    """One result per item of a joint model, from an interrupted run of the same inputs or from now.

    Parameters
    ----------
    spec : JointSpec
    work : Work
    tell : function of (str, int, int)
    """
    specs = spec.item_specs()
    stored = [work.kept.load(item.name) for item in specs]
    found = [result_from(one, work.survey) for one in stored if one is not None]
    if len(found) == len(specs):
        return found
    try:
        results = _sampled(spec, specs, work, tell)
    except PASSING:
        raise
    except Exception as problem:
        results = _failed(specs, status_of(problem)[1])
    for result in results:
        work.kept.save(result.name, *stored_form(result))
    return results


def priors_of(spec: JointSpec) -> JointPriors:
    """The declared priors, with the defaults for what is absent."""
    made = JointPriors()
    if "slopes" in spec.priors:
        made = replace(made, slopes=spec.priors["slopes"][1])
    if "spread" in spec.priors:
        made = replace(made, spread=spec.priors["spread"][0])
    if "loadings" in spec.priors:
        made = replace(made, loading_location=spec.priors["loadings"][0], loading_scale=spec.priors["loadings"][1])
    if "cutpoints" in spec.priors:
        made = replace(made, cutpoints=spec.priors["cutpoints"][0])
    return made


def _sampled(spec: JointSpec, specs: Sequence[ModelSpec], work: Work, tell: Progress) -> list[ModelResult]:
    try:
        post = sample_joint(
            spec.items, spec.predictors, people_of(specs[0], work.survey), seed=work.seed + zlib.crc32(spec.name.encode()),
            priors=priors_of(spec), jobs=min(PROCESSES, os.cpu_count() or 1), progress=tell, kept=Under(chains_of(work.kept), spec.name),
        )  # fmt: skip
    except (FitError, ModelError) as problem:
        return _failed(specs, str(problem))
    write_joint_netcdf(post, posterior_file(work.kept, spec.name))
    if not post.healthy:
        return [
            _empty(item.name, _rows(post), (f"{item.name} ({LABEL}): unhealthy. {post.message}",)) for item in specs
        ]
    tell("joint model: averaging", 0, len(specs))
    return _reported(spec, specs, post, work)


def _failed(specs: Sequence[ModelSpec], said: str) -> list[ModelResult]:
    rows = failure(LABEL, "failed", said)
    return [_empty(item.name, rows, (f"{item.name} ({LABEL}): failed. {said}",)) for item in specs]


def _reported(spec: JointSpec, specs: Sequence[ModelSpec], post: JointPosterior, work: Work) -> list[ModelResult]:
    extra = list(dict.fromkeys(by for item in spec.items for by in joint_of(work.article, item)))
    collapses = {item: work.collapses.get(item, {}) for item in spec.items}
    estimates: dict[str, list[tuple[str, Estimates]]] = {item: [] for item in spec.items}
    for label, by in requests_of(specs[0], extra)[0].reported:
        for item, found in adjusted_items(post, by or None, level=work.level, collapses=collapses).items():
            estimates[item].append((label, labelled(found, label)))
    results: list[ModelResult] = []
    checks = checks_of_items(post, spec.exposures)
    for number, item in enumerate(specs):
        compared = [
            (label, contrasts_of(item, found, name, work.level))
            for label, found in estimates[item.outcome]
            for name in found.by
            if item.contrasts != "none" and level_count(found, name) > 1
        ]
        results.append(
            ModelResult(
                item.name, tuple(estimates[item.outcome]), tuple(compared), _coefficients(post, number, work.level), _rows(post, checks[number]),
                dict(post.rows.excluded), (),
            )
        )  # fmt: skip
    return results


def _empty(name: str, rows: pd.DataFrame, problems: tuple[str, ...]) -> ModelResult:
    return ModelResult(name, (), (), pd.DataFrame(columns=pd.Index(COEFFICIENT_COLUMNS)), rows, {}, problems)


def _coefficients(post: JointPosterior, item: int, level: float) -> pd.DataFrame:
    """Cut points, slopes and the loading of one item, given the person effect."""
    rows = post.rows
    answers = [rows.categories[item][k] for k in rows.orders[item]]
    names = [f"{low}|{high}" for low, high in itertools.pairwise(answers)]
    draws = np.column_stack(
        [post.draws.cuts[:, rows.cut_item == item], post.draws.slopes[:, item], post.draws.loadings[:, item]]
    )
    lower, upper = central_limits(draws, level)
    return pd.DataFrame(
        {
            "estimand": LABEL, "term": [*names, *rows.names, "loading of the person effect"], "estimate": draws.mean(axis=0),
            "std_error": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper, "level": level,
        }
    )  # fmt: skip


def _rows(post: JointPosterior, more: Sequence[Row] = ()) -> pd.DataFrame:
    """What diagnostics.csv says of the joint posterior: the worst parameter of every check, then `more`."""
    health = post.health
    rhat, bulk, tail = float(health["rhat"].max()), float(health["ess_bulk"].min()), float(health["ess_tail"].min())
    draws = len(post.unconstrained)
    rows = [
        ("posterior", float(draws), "ok" if post.healthy else "unhealthy", post.message or f"{post.method}; seed {post.seed}, {post.chains} chains"),
        ("n", float(post.rows.n), "info", "respondents with one or more items answered"),
        ("n_effective", post.rows.n_effective, "info", "Kish"),
        ("rhat", rhat, "ok" if rhat <= RHAT_LIMIT else "look", "largest rank-normalised R-hat of a parameter"),
        ("ess_bulk", bulk, "ok" if bulk >= ESS_LIMIT else "look", "smallest effective number of draws, bulk"),
        ("ess_tail", tail, "ok" if tail >= ESS_LIMIT else "look", "smallest effective number of draws, tails"),
        ("divergences", float(post.divergences), "ok" if post.divergences == 0 else "look", ""),
        *(("note", np.nan, "info", note) for note in post.notes),
        *more,
    ]  # fmt: skip
    return pd.DataFrame([(LABEL, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))
