"""The joint model as a ``pm.Model``: the same density in PyMC's words, with the person effect summed over the same nodes.

The model is for reading and for checks; sampling uses the analytic density, which needs no compilation.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.joint.density import JointDensity, Layout

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ReadableJoint:
    """A ``pm.Model`` and the map from this package's coordinates to its values."""

    model: Any
    layout: Layout

    def unconstrained(self) -> tuple[Callable[[Array], float], Callable[[Array], Array]]:
        """Log density and gradient of the model at a point of the analytic density's coordinates."""
        mode: Any = importlib.import_module("pytensor.compile.mode")
        names = ("cut_coordinates", "mean", "spread_coordinate", "deviation", "log_loading")
        variables = [self.model[name] for name in names]
        quick = mode.Mode(
            linker="py", optimizer="fast_compile"
        )  # nothing is translated to C for a handful of evaluations
        logp = self.model.compile_logp(mode=quick)
        slopes = self.model.compile_dlogp(variables, mode=quick)

        def values(point: Array) -> dict[str, Array]:
            return dict(zip(names, self.layout.split(point), strict=True))

        return lambda point: float(logp(values(point))), lambda point: np.asarray(slopes(values(point)))


def readable_model(density: JointDensity) -> ReadableJoint:
    """The ``pm.Model`` with the density of a joint model, up to a constant.

    Parameters
    ----------
    density : JointDensity
    """
    pm: Any = importlib.import_module("pymc")
    pt: Any = importlib.import_module("pytensor.tensor")
    layout, priors, likelihood = density.layout, density.priors, density.likelihood
    rows, term = layout.rows, layout.term
    coords = {"item": list(rows.items), "column": list(rows.names), "term": list(layout.term_names)}
    with pm.Model(coords=coords) as model:
        cut_coordinates = pm.Flat("cut_coordinates", shape=layout.cuts)
        mean = pm.Normal("mean", 0.0, priors.slopes, dims="column")
        coordinate = pm.Normal("spread_coordinate", 0.0, 1.0, dims="term")
        tail = pt.erfc(coordinate / np.sqrt(2.0)) / 4.0
        spread = pm.Deterministic("spread", priors.spread * np.sqrt(2.0) * pt.erfcinv(2.0 * tail), dims="term")
        width = (spread**layout.centring)[term]
        deviation = pm.Normal("deviation", 0.0, width, dims=("item", "column"))
        scale = (spread ** (1.0 - layout.centring))[term]
        slopes = pm.Deterministic("slopes", mean + scale * deviation, dims=("item", "column"))
        log_loading = pm.Normal("log_loading", priors.loading_location, priors.loading_scale, dims="item")
        loadings = pm.Deterministic("loadings", pt.exp(log_loading), dims="item")
        total = pt.zeros_like(pt.as_tensor_variable(likelihood.nodes.values))
        for j, item in enumerate(rows.items):
            own = cut_coordinates[np.flatnonzero(rows.cut_item == j)]
            cuts = pm.Deterministic(f"cuts_{item}", pt.cumsum(pt.concatenate([own[:1], pt.exp(own[1:])])))
            shares = pt.diff(pt.concatenate([[0.0], pm.math.invlogit(cuts), [1.0]]))
            pm.Potential(f"anchor_{item}", (priors.cutpoints - 1.0) * pt.sum(pt.log(shares)))
            slope_of_cdf = pt.log(pm.math.invlogit(cuts)) + pt.log(pm.math.invlogit(-cuts))
            pm.Potential(f"jacobian_{item}", pt.sum(slope_of_cdf) + pt.sum(own[1:]))
            linear = rows.predictors @ slopes[j] + loadings[j] * likelihood.nodes.values
            total = total + _log_answer(pt, pm, cuts, linear, rows.answers[j])
        by_row = pt.logsumexp(total + likelihood.nodes.log_weights, axis=0)
        pm.Potential("likelihood", pt.sum(rows.weights * by_row))
    return ReadableJoint(model, layout)


def _log_answer(pt: Any, pm: Any, cuts: Any, linear: Any, answers: NDArray[np.intp]) -> Any:
    """Log probability of each row's answer at every node (Q, R); zero where the item was not answered."""
    edges = pt.concatenate([[-np.inf], cuts, [np.inf]])
    given = np.maximum(answers, 0)
    upper, lower = pm.math.invlogit(edges[given + 1] - linear), pm.math.invlogit(edges[given] - linear)
    return pt.where(answers >= 0, pt.log(pt.where(answers >= 0, upper - lower, 1.0)), 0.0)
