"""The posteriors of a study: sampled, stored, and their adjusted probabilities beside those of the likelihood.

Of a declared model (`with_posterior`) only the fit with all exposures is sampled: the estimand "<exposure>-adjusted", which the claims are about.
Joint models (`joint_results`) are sampled once, and their adjusted probabilities are one model result per item.
"""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from wwm_models.bayes.convergence import ESS_LIMIT, RHAT_LIMIT
from wwm_models.bayes.export import write_joint_netcdf, write_netcdf
from wwm_models.bayes.joint_data import JointPosterior
from wwm_models.bayes.joint_density import JointPriors
from wwm_models.bayes.joint_sample import sample_joint
from wwm_models.bayes.posterior import Posterior
from wwm_models.bayes.sample import sample
from wwm_models.bayes.sampler import NamedCheckpoints
from wwm_models.diagnostics.prior_sensitivity import log_prior
from wwm_models.errors import AdjustError, FitError, ModelError, listed
from wwm_models.estimates.adjusted import adjusted, adjusted_items
from wwm_models.estimates.estimates import Collapses, Estimates
from wwm_models.messages import number, say, together, variable
from wwm_models.numerics.intervals import central_limits
from wwm_models.parallel import PROCESSES
from wwm_models.results.folder import Checkpoints, key_of
from wwm_models.stages import PASSING, Stages
from wwm_models.study.declarations import Declared, Request, model_of, priors_in, requests_of
from wwm_models.study.diagnostics import DIAGNOSTIC_COLUMNS, Row, checks_of, checks_of_items, failure
from wwm_models.study.fits import (
    COEFFICIENT_COLUMNS,
    ModelResult,
    Progress,
    Work,
    contrasts_of,
    failed_fit,
    fit_name,
    joint_of,
    labelled,
    level_count,
    people_of,
    status_of,
)
from wwm_models.study.joint_model_files import JointSpec
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.provenance import versions
from wwm_models.study.stored_results import result_from, stored_form
from wwm_models.survey.survey import Survey

SAMPLED = "all exposures"
# of 1000 draws; more chains where these leave a Monte Carlo error in the last digit of a small group's percentage: 10 do up to a sd of 0.08
CHAINS, MORE = 4, 10


def posterior_file(kept: Checkpoints, name: str) -> Path:
    """Where a model's posterior waits until the results folder is complete."""
    return kept.folder / "posterior" / f"{name}.nc"


def chains_of(kept: Checkpoints) -> Checkpoints:
    """Where chains are kept, also after the run: what they depend on besides versions is recorded with each (`run_chains`)."""
    return Checkpoints(kept.out, key_of(versions()), "posterior/chains")


def not_asked(specs: Sequence[ModelSpec], engines: Sequence[str]) -> list[str]:
    """What to write where a run is to sample posteriors and no model file asks for one; empty otherwise."""
    if "bayes" not in engines or any("bayes" in spec.engines for spec in specs):
        return []
    return [
        'posterior: no model file asks for one, so none was sampled. Write engines = ["likelihood", "bayes"] in the file of every model that '
        'is to have one, or leave "bayes" out of --engine.'
    ]


def not_sampled(specs: Sequence[ModelSpec], engines: Sequence[str]) -> str:
    """Which models ask for a posterior that a run of these engines does not sample; empty for none."""
    names = [spec.name for spec in specs if "bayes" in spec.engines]
    if not names or "bayes" in engines:
        return ""
    return f"Not sampled: the posterior of {listed(names)}, for which the model file asks. Add --engine likelihood,bayes to have it."


def with_posterior(
    result: ModelResult, spec: ModelSpec, survey: Survey, collapses: Collapses, extra: Sequence[tuple[str, ...]],
    level: float, seed: int, kept: Checkpoints,
) -> ModelResult:  # fmt: skip
    """The result of a model with its posterior added.

    Parameters
    ----------
    result : ModelResult
        Of the likelihood.
    spec, survey, collapses, extra, level
        As for `run_model`.
    seed : int
        Of the run; each model has its own from this and its name.
    kept : Checkpoints
        Where finished chains and the netCDF file are put.
    """
    requests = sampled_requests(spec, extra)
    if not requests:
        label, why = f"{SAMPLED} (bayes)", say("posterior_needs_all", estimand=f"{spec.exposures[-1]}-adjusted")
        return _with(result, failure(label, "failed", why), (failed_fit(spec, label, why),))
    for place, request in enumerate(requests):
        name = spec.name if place == 0 else f"{spec.name}.{'-'.join((request.reported[0][0], *request.reported[0][1]))}"
        result = _with_one(result, spec, request, name, survey, collapses, level, seed, kept)
    return result


def sampled_requests(spec: ModelSpec, extra: Sequence[tuple[str, ...]]) -> list[Request]:
    """The fits of a model file of which a posterior is sampled: the one with all exposures, and with a diagram those by which claims are judged.

    A model that judges no claims, since it is not the primary one, has that of its largest fit alone.
    """
    every = requests_of(spec, extra)
    if spec.diagram is None:
        return [request for request in every if request.label == SAMPLED]
    judging = (
        {(spec.diagram.estimand((name,)), (name,)) for name in spec.exposures}
        if spec.primary
        else set[tuple[str, tuple[str, ...]]]()
    )
    return [request for place, request in enumerate(every) if place == 0 or judging & set(request.reported)]


def _with_one(
    result: ModelResult, spec: ModelSpec, request: Request, name: str, survey: Survey, collapses: Collapses, level: float, seed: int,
    kept: Checkpoints,
) -> ModelResult:  # fmt: skip
    """The result with the posterior of one fit, whose chains and file have this name."""
    label = f"{SAMPLED} (bayes)" if request.label == SAMPLED else say("fit_bayes", fit=request.label)
    try:
        post, estimates, problem = _sampled(
            request, spec, survey, collapses, level, seed, NamedCheckpoints(chains_of(kept), name)
        )
    except PASSING:
        raise
    except Exception as failed:
        said = status_of(failed)[1]
        return _with(result, failure(label, "failed", said), (failed_fit(spec, label, said),))
    write_netcdf(post, posterior_file(kept, name))
    if problem:
        return _with(result, _rows(post, label), (say("stage_unhealthy", stage=fit_name(spec, label), what=problem),))
    stages = Stages()
    compared = [
        (name, own)
        for name, found in estimates
        for each in found.by
        if spec.contrasts != "none" and level_count(found, each) > 1
        for own in stages.attempt(
            say("contrasts_of", stage=fit_name(spec, label), variable=variable(each)),
            partial(_compared, spec, found, each, level),
            otherwise=[],
        )
    ]
    checks = stages.attempt(
        say("check_of", stage=fit_name(spec, label), check="checks"),
        partial(checks_of, post, request.exposures),
        otherwise=[],
    )
    whole = _with(result, _rows(post, label, checks), stages.problems)
    return replace(
        whole,
        estimates=(*result.estimates, *estimates),
        contrasts=(*result.contrasts, *compared),
        log_priors={**result.log_priors, post.origin: log_prior(post)},
    )


def _compared(spec: ModelSpec, found: Estimates, name: str, level: float) -> list[Estimates]:
    return [contrasts_of(spec, found, name, level)]


def _sampled(
    request: Request, spec: ModelSpec, survey: Survey, collapses: Collapses, level: float, seed: int, kept: NamedCheckpoints,
) -> tuple[Posterior, list[tuple[str, Estimates]], str]:  # fmt: skip
    """A posterior, its adjusted probabilities, and what is wrong with them; with more chains where that is the cure."""
    model, people, own = model_of(spec, request), people_of(spec, survey), seed + zlib.crc32(kept.prefix.encode())
    priors = priors_in(spec, request)
    post = sample(model, people, seed=own, chains=CHAINS, priors=priors, kept=kept)
    try:
        return post, _estimates(post, request, spec, collapses, level), ""
    except AdjustError:
        post = sample(model, people, seed=own, chains=MORE, priors=priors, kept=kept)
    try:
        return post, _estimates(post, request, spec, collapses, level), ""
    except AdjustError as problem:
        return post, [], str(problem)


def _estimates(
    post: Posterior, request: Request, spec: ModelSpec, collapses: Collapses, level: float
) -> list[tuple[str, Estimates]]:
    return [
        (name, labelled(adjusted(post, by or None, over=spec.population, level=level, collapses=collapses), name))
        for name, by in request.reported
    ]


def _with(result: ModelResult, rows: pd.DataFrame, problems: tuple[str, ...]) -> ModelResult:
    parts = [part for part in (result.diagnostics, rows) if len(part)]
    return replace(result, diagnostics=pd.concat(parts, ignore_index=True), problems=(*result.problems, *problems))


def _rows(post: Posterior, label: str, more: Sequence[Row] = ()) -> pd.DataFrame:
    """What diagnostics.csv says of a posterior: the worst parameter of every check, then `more`."""
    size = post.draws.shape
    accepted = say(
        "seed_chains_draws", seed=post.settings["seed"], chains=post.chains, draws=size[0] // post.chains,
        target=number(post.settings["target_accept"], "g"),
    )  # fmt: skip
    priors = together(*(say("prior_of", term=name, prior=text) for name, text in post.priors.items()))
    rows = [
        ("posterior", float(size[0]), post.status, post.message or together(post.method, accepted)),
        *_chain_rows(post.health, post.divergences),
        ("priors", float(len(post.priors)), "info", priors),
        *more,
    ]
    return pd.DataFrame([(label, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))


def _chain_rows(health: pd.DataFrame, divergences: int) -> list[Row]:
    """What diagnostics.csv says of chains: the worst parameter of every check."""
    rhat = float(health["rhat"].max())
    bulk, tail = float(health["ess_bulk"].min()), float(health["ess_tail"].min())
    return [
        ("rhat", rhat, "ok" if rhat <= RHAT_LIMIT else "look", "largest rank-normalised R-hat of a parameter"),
        ("ess_bulk", bulk, "ok" if bulk >= ESS_LIMIT else "look", "smallest effective number of draws, bulk"),
        ("ess_tail", tail, "ok" if tail >= ESS_LIMIT else "look", "smallest effective number of draws, tails"),
        ("divergences", float(divergences), "ok" if divergences == 0 else "look", ""),
    ]


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
        results = _joint_sampled(spec, specs, work, tell)
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


def _joint_sampled(spec: JointSpec, specs: Sequence[ModelSpec], work: Work, tell: Progress) -> list[ModelResult]:
    try:
        post = sample_joint(
            spec.items, spec.predictors, people_of(specs[0], work.survey), seed=work.seed + zlib.crc32(spec.name.encode()),
            priors=priors_of(spec), jobs=min(PROCESSES, os.cpu_count() or 1), progress=tell, kept=NamedCheckpoints(chains_of(work.kept), spec.name),
        )  # fmt: skip
    except (FitError, ModelError) as problem:
        return _failed(specs, str(problem))
    write_joint_netcdf(post, posterior_file(work.kept, spec.name))
    if not post.healthy:
        return [
            _empty(
                item.name, _joint_rows(post), (say("stage_unhealthy", stage=fit_name(item, LABEL), what=post.message),)
            )
            for item in specs
        ]
    tell("joint model: averaging", 0, len(specs))
    return _reported(spec, specs, post, work)


def _failed(specs: Sequence[ModelSpec], said: str) -> list[ModelResult]:
    rows = failure(LABEL, "failed", said)
    return [_empty(item.name, rows, (failed_fit(item, LABEL, said),)) for item in specs]


def _reported(spec: JointSpec, specs: Sequence[ModelSpec], post: JointPosterior, work: Work) -> list[ModelResult]:
    extra = list(dict.fromkeys(by for item in spec.items for by in joint_of(work.article, item)))
    collapses = {item: work.collapses.get(item, {}) for item in spec.items}
    estimates: dict[str, list[tuple[str, Estimates]]] = {item: [] for item in spec.items}
    for label, by in requests_of(specs[0], extra)[0].reported:
        for item, found in adjusted_items(post, by or None, level=work.level, collapses=collapses).items():
            estimates[item].append((label, labelled(found, label)))
    results: list[ModelResult] = []
    checks = checks_of_items(post, spec.exposures)
    for place, item in enumerate(specs):
        compared = [
            (label, contrasts_of(item, found, name, work.level))
            for label, found in estimates[item.outcome]
            for name in found.by
            if item.contrasts != "none" and level_count(found, name) > 1
        ]
        results.append(
            ModelResult(
                item.name, tuple(estimates[item.outcome]), tuple(compared), _coefficients(post, place, work.level), _joint_rows(post, checks[place]),
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


def _joint_rows(post: JointPosterior, more: Sequence[Row] = ()) -> pd.DataFrame:
    """What diagnostics.csv says of the joint posterior: the worst parameter of every check, then `more`."""
    draws, accepted = len(post.unconstrained), say("seed_chains", seed=post.seed, chains=post.chains)
    rows = [
        ("posterior", float(draws), "ok" if post.healthy else "unhealthy", post.message or together(post.method, accepted)),
        ("n", float(post.rows.n), "info", "respondents with one or more items answered"),
        ("n_effective", post.rows.n_effective, "info", "Kish"),
        *_chain_rows(post.health, post.divergences),
        *(("note", np.nan, "info", note) for note in post.notes),
        *more,
    ]  # fmt: skip
    return pd.DataFrame([(LABEL, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))
