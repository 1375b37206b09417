"""The posterior of one declared model: sampled, stored, and its adjusted probabilities beside those of the likelihood.

Only the fit with all exposures is sampled: the estimand "<exposure>-adjusted", which the claims are about.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from wwm_models.adjust import adjusted
from wwm_models.adjust.table import Collapses
from wwm_models.adjust.why.prior_power import log_prior
from wwm_models.declared.models import ModelSpec
from wwm_models.engines.bayes import sample
from wwm_models.engines.bayes.chains import Under
from wwm_models.engines.bayes.health import ESS_LIMIT, RHAT_LIMIT
from wwm_models.engines.bayes.storage import write_netcdf
from wwm_models.errors import AdjustError, listed
from wwm_models.records import Estimates, Posterior, Survey
from wwm_models.stages import PASSING, Stages
from wwm_models.store import Checkpoints
from wwm_models.store.checkpoints import key_of
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.diagnostics import Row, failure
from wwm_models.study.models import (
    ModelResult,
    Request,
    contrasts_of,
    labelled,
    level_count,
    model_of,
    people_of,
    requests_of,
    status_of,
)
from wwm_models.study.posterior_checks import checks_of
from wwm_models.study.provenance import versions

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
    requests = [request for request in requests_of(spec, extra) if request.label == SAMPLED]
    label = f"{SAMPLED} (bayes)"
    if not requests:
        why = (
            "A posterior is made of the fit with all exposures, which `estimands` does not ask for. "
            f'Add "{spec.exposures[-1]}-adjusted" to estimands, or leave "bayes" out of engines.'
        )
        return _with(result, failure(label, "failed", why), (f"{spec.name} ({label}): failed. {why}",))
    try:
        post, estimates, problem = _sampled(
            requests[0], spec, survey, collapses, level, seed, Under(chains_of(kept), spec.name)
        )
    except PASSING:
        raise
    except Exception as failed:
        said = status_of(failed)[1]
        return _with(result, failure(label, "failed", said), (f"{spec.name} ({label}): failed. {said}",))
    write_netcdf(post, posterior_file(kept, spec.name))
    if problem:
        return _with(result, _rows(post, label), (f"{spec.name} ({label}): unhealthy. {problem}",))
    stages = Stages()
    compared = [
        (name, own)
        for name, found in estimates
        for each in found.by
        if spec.contrasts != "none" and level_count(found, each) > 1
        for own in stages.attempt(
            f"{spec.name} ({label}), contrasts of {each}", partial(_compared, spec, found, each, level), otherwise=[]
        )
    ]
    checks = stages.attempt(
        f"{spec.name} ({label}), checks", partial(checks_of, post, requests[0].exposures), otherwise=[]
    )
    whole = _with(result, _rows(post, label, checks), stages.problems)
    return replace(
        whole,
        estimates=(*result.estimates, *estimates),
        contrasts=(*result.contrasts, *compared),
        log_priors={post.origin: log_prior(post)},
    )


def _compared(spec: ModelSpec, found: Estimates, name: str, level: float) -> list[Estimates]:
    return [contrasts_of(spec, found, name, level)]


def _sampled(
    request: Request, spec: ModelSpec, survey: Survey, collapses: Collapses, level: float, seed: int, kept: Under,
) -> tuple[Posterior, list[tuple[str, Estimates]], str]:  # fmt: skip
    """A posterior, its adjusted probabilities, and what is wrong with them; with more chains where that is the cure."""
    model, people, own = model_of(spec, request), people_of(spec, survey), seed + zlib.crc32(spec.name.encode())
    post = sample(model, people, seed=own, chains=CHAINS, priors=spec.priors, kept=kept)
    try:
        return post, _estimates(post, request, spec, collapses, level), ""
    except AdjustError:
        post = sample(model, people, seed=own, chains=MORE, priors=spec.priors, kept=kept)
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
    health, size = post.health, post.draws.shape
    bulk, tail = float(np.nanmin(health["ess_bulk"])), float(np.nanmin(health["ess_tail"]))
    rhat = float(np.nanmax(health["rhat"]))
    accepted = f"seed {post.settings['seed']}, {post.chains} chains of {size[0] // post.chains} draws, target acceptance {post.settings['target_accept']:g}"
    rows = [
        ("posterior", float(size[0]), post.status, post.message or f"{post.method}; {accepted}"),
        ("rhat", rhat, "ok" if rhat <= RHAT_LIMIT else "look", "largest rank-normalised R-hat of a parameter"),
        ("ess_bulk", bulk, "ok" if bulk >= ESS_LIMIT else "look", "smallest effective number of draws, bulk"),
        ("ess_tail", tail, "ok" if tail >= ESS_LIMIT else "look", "smallest effective number of draws, tails"),
        ("divergences", float(post.divergences), "ok" if post.divergences == 0 else "look", ""),
        ("priors", float(len(post.priors)), "info", "; ".join(f"{name}: {text}" for name, text in post.priors.items())),
        *more,
    ]
    return pd.DataFrame([(label, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))
