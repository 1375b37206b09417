"""A joint posterior as ArviZ has it, and as a netCDF file that `az.from_netcdf` opens without this package.

Groups: ``posterior`` (cut points, slopes and loadings of every item, mean slopes, spreads, and the sampler's own coordinates),
``sample_stats``, ``prior``, what ArviZ needs of respondents (`people`), and ``constant_data``: the unique rows of predictors and answers with
their weights, so the file is INTERNAL.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.joint.people import PRIOR_DRAWS, people_groups, prior_parameters
from wwm_models.engines.bayes.storage import INTERNAL, STAT_NAMES, absent, as_arviz, write_groups
from wwm_models.records import JointPosterior

Array = NDArray[np.float64]


def joint_inference_data(post: JointPosterior) -> Any:
    """The posterior as ArviZ has it; imports ArviZ."""
    return as_arviz(joint_groups(post))


def write_joint_netcdf(post: JointPosterior, path: Path) -> None:
    """Write every group to one netCDF file, which appears whole or not at all.

    Parameters
    ----------
    post : JointPosterior
    path : Path
    """
    write_groups(joint_groups(post), path)


def joint_groups(post: JointPosterior) -> dict[str, Any]:
    """The groups as xarray Datasets."""
    import xarray as xr

    rows, shape = post.rows, (post.chains, len(post.unconstrained) // post.chains)
    by_draw = {"chain": np.arange(shape[0]), "draw": np.arange(shape[1])}

    def drawn(values: Array, *dims: str) -> tuple[tuple[str, ...], Array]:
        return ("chain", "draw", *dims), values.reshape(*shape, *values.shape[1:])

    named = {"item": list(rows.items), "predictor": list(rows.names), "term": list(post.spreads.columns)}
    cuts = [f"{rows.items[j]}:{k - np.searchsorted(rows.cut_item, j) + 1}" for k, j in enumerate(rows.cut_item)]
    facts = {
        "note": INTERNAL, "data": "SYNTHETIC" if post.survey.synthetic else "real", "method": post.method,
        "rotated": "no: the draws are not rotated to a design-based covariance", "notes": json.dumps(list(post.notes)),
    }  # fmt: skip
    posterior = xr.Dataset(
        {
            "cutpoints": drawn(post.draws.cuts, "cutpoint"), "slopes": drawn(post.draws.slopes, "item", "predictor"),
            "loadings": drawn(post.draws.loadings, "item"), "mean_slopes": drawn(post.mean_slopes, "predictor"),
            "spreads": drawn(post.spreads.to_numpy(), "term"), "coordinates": drawn(post.unconstrained, "coordinate"),
        },
        {**by_draw, **named, "cutpoint": cuts, "coordinate": list(post.names)}, facts,
    )  # fmt: skip
    stats = xr.Dataset(
        {STAT_NAMES.get(name, name): (("chain", "draw"), np.asarray(value)) for name, value in post.sample_stats.items()},
        by_draw, {"divergences": post.divergences, "seed": post.seed},
    )  # fmt: skip
    theta, mean, spread = prior_parameters(post, PRIOR_DRAWS, np.random.default_rng([post.seed, 7]))
    people = people_groups(post, theta)
    posterior.attrs["left_out"] = absent({**people, "prior": True})
    prior = xr.Dataset(
        {
            "cutpoints": (("chain", "draw", "cutpoint"), theta.cuts[None]), "slopes": (("chain", "draw", "item", "predictor"), theta.slopes[None]),
            "loadings": (("chain", "draw", "item"), theta.loadings[None]), "mean_slopes": (("chain", "draw", "predictor"), mean[None]),
            "spreads": (("chain", "draw", "term"), spread[None]),
        },
        {"chain": [0], "draw": np.arange(PRIOR_DRAWS), **named, "cutpoint": cuts},
    )  # fmt: skip
    return {"posterior": posterior, "sample_stats": stats, **people, "prior": prior, "constant_data": _constants(post)}


def _constants(post: JointPosterior) -> Any:
    import xarray as xr

    rows = post.rows
    encoder = {
        "items": {item: list(answers) for item, answers in zip(rows.items, rows.categories, strict=True)},
        "answered": {item: [int(k) for k in order] for item, order in zip(rows.items, rows.orders, strict=True)},
        "patterns": {str(name): rows.patterns[name].astype(str).to_list() for name in rows.patterns.columns},
    }
    arrays = {
        "columns": (("pattern", "predictor"), rows.columns), "centre": (("predictor",), rows.centre), "pattern": (("row",), rows.pattern),
        "answers": (("item", "row"), rows.answers), "weights": (("row",), rows.weights), "counts": (("row",), rows.counts),
    }  # fmt: skip
    return xr.Dataset(
        arrays,
        {"item": list(rows.items), "predictor": list(rows.names)},
        {"note": INTERNAL, "encoder": json.dumps(encoder), "n": rows.n, "n_effective": rows.n_effective},
    )
