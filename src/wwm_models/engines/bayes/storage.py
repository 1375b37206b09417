"""A posterior as ArviZ has it (InferenceData, or DataTree from ArviZ 1 on), and as a netCDF file that `az.from_netcdf` opens without this package.

Groups: ``posterior`` (theta as it is reported, and as it was sampled), ``sample_stats``, ``prior``, ``constant_data`` with what turns predictors
into the design, and of every respondent ``observed_data``, ``posterior_predictive``, ``prior_predictive`` and ``log_likelihood`` (`respondents`), so
that `az.plot_ppc` or `az.plot_ppc_dist`, `az.loo` and `az.summary` need nothing of this package. Where respondents are too many, the attribute
``left_out`` of ``posterior`` says which groups are not there, and ``cell_log_likelihood`` has log p of every cell with its count and weight instead.

The file holds counts of cells, so it is marked INTERNAL: small cells can point at respondents.
"""

from __future__ import annotations

import importlib
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.prior_draws import prior_draws
from wwm_models.engines.bayes.respondents import fits, log_probabilities, respondent_groups
from wwm_models.errors import FitError, listed
from wwm_models.records import Posterior

Array = NDArray[np.float64]
INTERNAL = "INTERNAL: holds counts of small cells. Not for publication."
PRIOR_DRAWS = 500
# log densities and answers are most of a file: they are compressed, the first in single precision
ENCODING = {"zlib": True, "complevel": 1, "shuffle": True}
COMPRESSED = {
    "log_likelihood": {**ENCODING, "dtype": "float32"},
    "cell_log_likelihood": {**ENCODING, "dtype": "float32"},
    "posterior_predictive": ENCODING,
    "prior_predictive": ENCODING,
}
EXPECTED = (
    "posterior_predictive",
    "prior",
    "prior_predictive",
    "log_likelihood",
)  # groups that some posteriors have no room or no draws for


def inference_data(post: Posterior) -> Any:
    """The posterior as ArviZ has it; imports ArviZ."""
    return as_arviz(groups_of(post))


def as_arviz(groups: Mapping[str, Any]) -> Any:
    """Xarray Datasets by group as the installed ArviZ has them: an InferenceData before ArviZ 1, a DataTree since."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arviz announces its successor at import, and names groups it does not know
        arviz: Any = importlib.import_module("arviz")
        if int(arviz.__version__.split(".")[0]) < 1:
            return arviz.InferenceData(**groups)
    import xarray as xr

    return xr.DataTree.from_dict(dict(groups))


def write_netcdf(post: Posterior, path: Path) -> None:
    """Write every group to one netCDF file, which appears whole or not at all.

    Parameters
    ----------
    post : Posterior
    path : Path
    """
    write_groups(groups_of(post), path)


def write_groups(groups: dict[str, Any], path: Path) -> None:
    """Write xarray Datasets by group to one netCDF file, which appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        for name, group in groups.items():
            large = {
                variable: COMPRESSED[name]
                for variable in group.data_vars
                if name in COMPRESSED and group[variable].ndim > 1
            }
            group.to_netcdf(temporary, group=name, mode="a", engine="h5netcdf", encoding=large)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def groups_of(post: Posterior) -> dict[str, Any]:
    """The groups as xarray Datasets."""
    import xarray as xr

    shape = post.chains, len(post.draws) // post.chains
    names = list(post.design.names)
    by_draw = {"chain": np.arange(shape[0]), "draw": np.arange(shape[1])}
    facts = {"note": INTERNAL, "data": "SYNTHETIC" if post.survey.synthetic else "real", "method": post.method}

    def drawn(values: Array, *dims: str) -> tuple[tuple[str, ...], Array]:
        return ("chain", "draw", *dims), values.reshape(*shape, *values.shape[1:])

    theta = {"theta": drawn(post.draws, "parameter"), "theta_uncorrected": drawn(post.uncorrected, "parameter")}
    posterior = xr.Dataset(
        {**theta, **{name: drawn(value) for name, value in post.hyper.items()}}, {**by_draw, "parameter": names}, facts
    )
    stats = xr.Dataset(
        {STAT_NAMES.get(name, name): (("chain", "draw"), np.asarray(value)) for name, value in post.sample_stats.items()},
        by_draw,
        {"divergences": post.divergences, **{key: value for key, value in post.settings.items() if isinstance(value, (int, float))}},
    )  # fmt: skip
    seed, log_p = int(post.settings.get("seed", 1)), cell_log_likelihood(post)
    theta = _prior_draws(post, seed)
    prior = {} if theta is None else {"prior": _prior(post, theta)}
    people = respondent_groups(post, log_p, theta, seed)
    cells = {} if fits(post) else {"cell_log_likelihood": _cells(post, log_p, drawn, by_draw)}
    posterior.attrs["left_out"] = absent({**people, **prior})
    return {
        "posterior": posterior,
        "sample_stats": stats,
        **people,
        **cells,
        **prior,
        "constant_data": _constants(post),
    }


def absent(groups: Mapping[str, Any]) -> str:
    """Which groups that ArviZ knows are not in a posterior, and why; empty when all are."""
    names = [name for name in EXPECTED if name not in groups]
    return f"{listed(names)}: too many respondents, or a flat prior" if names else ""


STAT_NAMES = {"logp": "lp", "step_size_bar": "step_size", "mean_tree_accept": "acceptance_rate", "depth": "tree_depth"}


def cell_log_likelihood(post: Posterior) -> Array:
    """(s, P, J + 1) log probabilities of the answers with respondents, in the family's order, of the draws as sampled."""
    return log_probabilities(post, post.uncorrected)


def _cells(post: Posterior, log_p: Array, drawn: Any, by_draw: dict[str, Any]) -> Any:
    import xarray as xr

    counts = post.cells.counts[:, post.design.order]
    pattern, answer = np.nonzero(counts)
    values = log_p[:, pattern, answer]
    per_cell = {
        "count": counts[pattern, answer],
        "weight": post.cells.weights[:, post.design.order][pattern, answer],
        "pattern": pattern,
        "answer": post.design.order[answer],
    }
    return xr.Dataset(
        {"log_probability": drawn(values, "cell"), **{name: (("cell",), value) for name, value in per_cell.items()}},
        by_draw,
        {"note": f"{INTERNAL} One value per cell, not per respondent."},
    )


def _prior_draws(post: Posterior, seed: int) -> Array | None:
    try:
        return prior_draws(post.prior, post.design, PRIOR_DRAWS, np.random.default_rng([seed, 7]))
    except FitError:
        return None  # a flat prior has no draws


def _prior(post: Posterior, theta: Array) -> Any:
    import xarray as xr

    coordinates = {"chain": [0], "draw": np.arange(PRIOR_DRAWS), "parameter": list(post.design.names)}
    return xr.Dataset(
        {"theta": (("chain", "draw", "parameter"), theta[None])},
        coordinates,
        {"densities": json.dumps(dict(post.priors))},
    )


def _constants(post: Posterior) -> Any:
    import xarray as xr

    patterns = post.cells.patterns
    columns = {str(name): patterns[name].astype(str).to_list() for name in patterns.columns}
    encoder = {
        "formula": post.model.formula, "family": post.model.family, "link": post.model.link, "thresholds": post.model.thresholds,
        "thresholds_by": post.model.thresholds_by,
        "nonproportional": list(post.model.nonproportional), "scale": post.model.scale, "reverse": post.model.reverse,
        "baseline": post.model.baseline, "outcome": post.cells.outcome, "answers": list(post.cells.categories), "patterns": columns,
        "levels": {str(n): [str(v) for v in patterns[n].cat.categories] for n in patterns.columns if hasattr(patterns[n], "cat")},
    }  # fmt: skip
    arrays = {
        "design": (("pattern", "predictor", "linear_parameter"), post.design.array),
        "counts": (("pattern", "answer_read"), post.cells.counts[:, post.design.order]),
        "weights": (("pattern", "answer_read"), post.cells.weights[:, post.design.order]),
        "answer_order": (("answer_read",), post.design.order),
    }
    return xr.Dataset(
        arrays, attrs={"note": INTERNAL, "encoder": json.dumps(encoder), "priors": json.dumps(dict(post.priors))}
    )
