"""The posterior of one declared model: sampled, stored, and its adjusted probabilities beside those of the likelihood.

Only the fit with all exposures is sampled: the estimand "<exposure>-adjusted", which the claims are about.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust import adjusted
from wwm_models.adjust.prior_power import log_prior
from wwm_models.adjust.table import Collapses
from wwm_models.declared.models import ModelSpec
from wwm_models.engines.bayes import sample
from wwm_models.engines.bayes.health import ESS_LIMIT, RHAT_LIMIT
from wwm_models.engines.bayes.storage import write_netcdf
from wwm_models.errors import AdjustError, FitError
from wwm_models.records import Estimates, Posterior, Survey
from wwm_models.store import Checkpoints
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.diagnostics import failure
from wwm_models.study.models import ModelResult, contrasts_of, labelled, level_count, model_of, people_of, requests_of

SAMPLED = "all exposures"


@dataclass(frozen=True)
class OfModel:
    """Checkpoints of one model's chains."""

    kept: Checkpoints
    model: str

    def load(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """As `Checkpoints.load`."""
        return self.kept.load(f"{self.model}.{name}")

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """As `Checkpoints.save`."""
        self.kept.save(f"{self.model}.{name}", content, arrays)


def posterior_file(kept: Checkpoints, name: str) -> Path:
    """Where a model's posterior waits until the results folder is complete."""
    return kept.folder / "posterior" / f"{name}.nc"


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
    if not requests:
        return result
    label = f"{SAMPLED} (bayes)"
    estimates: list[tuple[str, Estimates]] = []
    compared: list[tuple[str, Estimates]] = []
    try:
        post = sample(
            model_of(spec, requests[0]), people_of(spec, survey), seed=seed + zlib.crc32(spec.name.encode()),
            priors=spec.priors, kept=OfModel(kept, spec.name),
        )  # fmt: skip
    except FitError as problem:
        return _with(result, failure(label, "failed", str(problem)), (f"{spec.name} ({label}): failed. {problem}",))
    write_netcdf(post, posterior_file(kept, spec.name))
    try:
        for name, by in requests[0].reported:
            found = labelled(adjusted(post, by or None, over=spec.population, level=level, collapses=collapses), name)
            estimates.append((name, found))
            if spec.contrasts != "none" and by:
                compared += [
                    (name, contrasts_of(spec, found, each, level)) for each in by if level_count(found, each) > 1
                ]
    except AdjustError as problem:
        return _with(result, _rows(post, label), (f"{spec.name} ({label}): unhealthy. {problem}",))
    whole = _with(result, _rows(post, label), ())
    return replace(
        whole,
        estimates=(*result.estimates, *estimates),
        contrasts=(*result.contrasts, *compared),
        log_priors={post.origin: log_prior(post)},
    )


def _with(result: ModelResult, rows: pd.DataFrame, problems: tuple[str, ...]) -> ModelResult:
    parts = [part for part in (result.diagnostics, rows) if len(part)]
    return replace(result, diagnostics=pd.concat(parts, ignore_index=True), problems=(*result.problems, *problems))


def _rows(post: Posterior, label: str) -> pd.DataFrame:
    """What diagnostics.csv says of a posterior: the worst parameter of every check."""
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
    ]
    return pd.DataFrame([(label, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))
