"""Our models written again as readable ``pm.Model``s: same parameters, same priors, same likelihood.

They are for reading and for checks; sampling uses the analytic density, which needs no compilation. A test holds links and families
(`SymbolicLink` and the functions below it) to the log density and gradient of ``models`` and ``numerics``; a family that is registered and
not listed here has no ``to_pymc()``.

One outcome (`pymc_model`), on cells: the density is that of the free coordinates, Jacobians included, with all constants of proper priors;
it equals `LogPosterior` at every point except for the unknown share of a truncated prior. Free coordinates of ordered cut points are the
first one and logarithms of distances, as in PyMC's ``ordered`` transform; slopes of their own come from ``thresholds``, the predictors
of each combination of levels, which increase.

Several items (`readable_model`): the joint density, with the person effect summed over the same nodes.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.bayes.joint_density import JointDensity, JointLayout
from wwm_models.bayes.posterior import Posterior
from wwm_models.bayes.transforms import Coordinates, coordinates_of
from wwm_models.numerics.arrays import Array


@dataclass(frozen=True)
class SymbolicLink:
    """Log F, log (1 - F) and log f as PyTensor expressions."""

    log_cdf: Callable[[Any], Any]
    log_sf: Callable[[Any], Any]
    log_pdf: Callable[[Any], Any]


def _pt() -> Any:
    import pytensor.tensor as pt

    return pt


def _softplus(x: Any) -> Any:
    return _pt().softplus(x)


def _log_ndtr(x: Any) -> Any:
    pt = _pt()
    return pt.switch(
        x < 0, pt.log(pt.erfcx(-x / np.sqrt(2.0)) / 2.0) - x**2 / 2.0, pt.log1p(-pt.erfc(x / np.sqrt(2.0)) / 2.0)
    )


LINKS = {
    "logit": SymbolicLink(
        lambda x: -_softplus(-x), lambda x: -_softplus(x), lambda x: -_softplus(-x) - _softplus(x)
    ),
    "probit": SymbolicLink(
        _log_ndtr, lambda x: _log_ndtr(-x), lambda x: -(x**2) / 2.0 - 0.5 * np.log(2.0 * np.pi)
    ),
    "cloglog": SymbolicLink(
        lambda x: _pt().log1mexp(-_pt().exp(x)), lambda x: -_pt().exp(x), lambda x: x - _pt().exp(x)
    ),
    "loglog": SymbolicLink(
        lambda x: -_pt().exp(-x), lambda x: _pt().log1mexp(-_pt().exp(-x)), lambda x: -x - _pt().exp(-x)
    ),
    "cauchit": SymbolicLink(
        lambda x: _pt().log(0.5 + _pt().arctan(x) / np.pi),
        lambda x: _pt().log(0.5 - _pt().arctan(x) / np.pi),
        lambda x: -np.log(np.pi) - _pt().log1p(x**2),
    ),
}  # fmt: skip


def _cumulative(eta: Any, link: SymbolicLink) -> Any:
    """P(Y <= k) = F(eta_k): log differences of neighbouring F, by logarithms of the nearer tail."""
    pt = _pt()
    upper, lower = eta[:, 1:], eta[:, :-1]
    right = (upper + lower) > 0
    big = pt.switch(right, link.log_sf(lower), link.log_cdf(upper))
    small = pt.switch(right, link.log_sf(upper), link.log_cdf(lower))
    middle = big + pt.log1mexp(small - big)
    return pt.concatenate([link.log_cdf(eta[:, :1]), middle, link.log_sf(eta[:, -1:])], axis=1)


def _sequential(
    stop: Callable[[SymbolicLink, Any], Any], go: Callable[[SymbolicLink, Any], Any]
) -> Callable[[Any, SymbolicLink], Any]:
    """P(Y = k) = P(stop at k) times P(go on at every step before)."""

    def log_probabilities(eta: Any, link: SymbolicLink) -> Any:
        pt = _pt()
        nothing = pt.zeros_like(eta[:, :1])
        before = pt.concatenate([nothing, pt.cumsum(go(link, eta), axis=1)], axis=1)
        return before + pt.concatenate([stop(link, eta), nothing], axis=1)

    return log_probabilities


def _multinomial(eta: Any, link: SymbolicLink) -> Any:
    del link
    pt = _pt()
    full = pt.concatenate([pt.zeros_like(eta[:, :1]), eta], axis=1)
    return full - pt.logsumexp(full, axis=1, keepdims=True)


def _adjacent(eta: Any, link: SymbolicLink) -> Any:
    return _multinomial(_pt().cumsum(eta, axis=1), link)


def _cdf(link: SymbolicLink, eta: Any) -> Any:
    return link.log_cdf(eta)


def _sf(link: SymbolicLink, eta: Any) -> Any:
    return link.log_sf(eta)


LOG_PROBABILITIES: dict[str, Callable[[Any, SymbolicLink], Any]] = {
    "cumulative": _cumulative,
    "stopping": _sequential(_cdf, _sf),
    "continuation": _sequential(_sf, _cdf),
    "adjacent": _adjacent,
    "multinomial": _multinomial,
}


def _product_of_shares(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
    del eta, link
    return _pt().sum(log_p, axis=1)


def _product_of_densities(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
    del log_p
    return _pt().sum(link.log_pdf(eta), axis=1)


def _product_of_steps(go: Callable[[SymbolicLink, Any], Any]) -> Callable[[Any, Any, SymbolicLink], Any]:
    def jacobian(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
        pt = _pt()
        later = pt.arange(log_p.shape[1] - 1)[::-1]
        return pt.sum(link.log_pdf(eta) + later * go(link, eta), axis=1)

    return jacobian


SHARES_JACOBIAN: dict[str, Callable[[Any, Any, SymbolicLink], Any]] = {
    "cumulative": _product_of_densities,
    "stopping": _product_of_steps(_sf),
    "continuation": _product_of_steps(_cdf),
    "adjacent": _product_of_shares,
    "multinomial": _product_of_shares,
}


def pymc_model(post: Posterior) -> Any:
    """Build the model; imports PyMC.

    Parameters
    ----------
    post : Posterior

    Returns
    -------
    pm.Model
        With variables ``cutpoints``, ``slopes`` (those that the model has), or ``thresholds`` and ``rest``, the potential ``likelihood``, and
        the deterministic ``theta`` in the order of ``design.names``.
    """
    pm, pt = _libraries()
    design, link = post.design, LINKS[post.model.link]
    counts = post.cells.weights[:, design.order]
    if post.survey.weight_kind == "sampling":
        counts = counts * (post.n_effective / counts.sum())
    coordinates = coordinates_of(post.model, post.family, post.cells, design)
    with pm.Model(coords={"parameter": list(design.names)}) as model:
        made = (
            _by_pattern(pm, post, coordinates)
            if coordinates.linear_transform is not None
            else _separate(pm, post, coordinates)
        )
        theta = pm.Deterministic("theta", made, dims="parameter")
        size = design.array.shape[2]
        eta = pt.tensordot(pt.as_tensor(design.array), theta[:size], axes=1)
        if design.scale is not None:
            eta = eta * pt.exp(-pt.dot(pt.as_tensor(design.scale), theta[size:]))[:, None]
        log_p = LOG_PROBABILITIES[post.model.family](eta, link)
        observed = np.nonzero(counts)
        pm.Potential("likelihood", pt.sum(counts[observed] * log_p[observed]))
        if post.prior.anchor is not None:
            pm.Potential("cutpoint_prior", _anchored(pt, post, theta, link))
        if len(post.prior.gaps) and coordinates.ordered < 2:
            inside = pt.all(pt.dot(pt.as_tensor(post.prior.gaps), theta) > 0)
            pm.Potential("ordered_on_every_pattern", pt.switch(inside, 0.0, -np.inf))
    return model


def _libraries() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arviz, which PyMC imports, announces its successor
        return importlib.import_module("pymc"), importlib.import_module("pytensor.tensor")


def _separate(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Parameters whose cut points and slopes are variables of their own."""
    _, pt = _libraries()
    is_cut = np.asarray(post.design.is_cut)
    plain = ~is_cut
    for block in post.prior.blocks:
        plain[block.place] = False
    parts, places = [_cutpoints(pm, post, coordinates).flatten()], [np.flatnonzero(is_cut)]
    if plain.any():
        parts.append(_independent(pm, "slopes", post, plain))
        places.append(np.flatnonzero(plain))
    for block in post.prior.blocks:
        parts.append(block.in_pymc(pm, pt))
        places.append(block.place)
    return pt.concatenate(parts)[np.argsort(np.concatenate(places))]


def _by_pattern(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Parameters from the increasing predictors of every combination of levels; their priors are one potential."""
    _, pt = _libraries()
    assert coordinates.linear_transform is not None
    shape = coordinates.threshold_patterns, coordinates.ordered
    start = np.tile(np.linspace(-1.0, 1.0, shape[1]), (shape[0], 1))
    thresholds = pm.Flat("thresholds", shape=shape, initval=start, transform=pm.distributions.transforms.ordered)
    increasing, size = shape[0] * shape[1], len(coordinates.linear_transform)
    parts, places = [thresholds.flatten()], [np.arange(increasing)]
    for block in post.prior.blocks:
        parts.append(block.in_pymc(pm, pt))
        places.append(coordinates.position(block.place))
    left = np.setdiff1d(np.arange(size), np.concatenate(places))
    if len(left):
        parts.append(pm.Flat("rest", shape=len(left), initval=np.zeros(len(left))))
        places.append(left)
    theta = pt.dot(
        pt.as_tensor(coordinates.linear_transform), pt.concatenate(parts)[np.argsort(np.concatenate(places))]
    )
    pm.Potential(
        "parameter_prior", _log_independent(pm, post, theta) + np.linalg.slogdet(coordinates.linear_transform)[1]
    )
    return theta


def _log_independent(pm: Any, post: Posterior, theta: Any) -> Any:
    """Log density of the parameters that have an independent prior."""
    _, pt = _libraries()
    prior, heavy = post.prior, np.isfinite(post.prior.df)
    total = pt.constant(post.prior.log_orders)
    for chosen, law in (
        (prior.proper & ~heavy, lambda c: pm.Normal.dist(prior.mean[c], prior.scale[c])),
        (prior.proper & heavy, lambda c: pm.StudentT.dist(nu=prior.df[c], mu=prior.mean[c], sigma=prior.scale[c])),
    ):
        if chosen.any():
            total = total + pt.sum(pm.logp(law(chosen), theta[np.flatnonzero(chosen)]))
    return total


def _cutpoints(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Cut points, a row for each group with its own: flat where a potential holds their prior; ordered where they must be."""
    is_cut = np.asarray(post.design.is_cut)
    ordered = coordinates.ordered > 1
    shape = (
        (coordinates.threshold_patterns, coordinates.ordered)
        if coordinates.threshold_patterns > 1
        else (int(is_cut.sum()),)
    )
    options: dict[str, Any] = {"transform": pm.distributions.transforms.ordered} if ordered else {}
    options["initval"] = np.broadcast_to(np.linspace(-1.0, 1.0, shape[-1]) if ordered else 0.0, shape).copy()
    if post.prior.anchor is not None or not post.prior.proper[is_cut].all():
        return pm.Flat("cutpoints", shape=shape, **options)
    found = _independent(pm, "cutpoints", post, is_cut, shape, **options)
    if post.prior.log_orders:
        pm.Potential("orders", _libraries()[1].constant(post.prior.log_orders))
    return found


def _independent(
    pm: Any, name: str, post: Posterior, chosen: Any, shape: tuple[int, ...] = (-1,), **options: Any
) -> Any:
    parts = (post.prior.mean, post.prior.scale, post.prior.df, post.prior.proper)
    mean, scale, df, proper = (np.asarray(part)[chosen].reshape(shape) for part in parts)
    if not proper.any():
        return pm.Flat(name, shape=mean.shape, **options)
    if np.isinf(df).all():
        return pm.Normal(name, mean, scale, shape=mean.shape, **options)
    if np.isfinite(df).all():
        return pm.StudentT(name, nu=df, mu=mean, sigma=scale, shape=mean.shape, **options)
    return _mixed(pm, name, mean, scale, df, options)


def _mixed(pm: Any, name: str, mean: Any, scale: Any, df: Any, options: dict[str, Any]) -> Any:
    """Some normal, some Student's t: flat, with both densities as a potential."""
    _, pt = _libraries()
    normal = np.isinf(df)
    found = pm.Flat(name, shape=len(mean), **options)
    log_normal = pm.logp(pm.Normal.dist(mean[normal], scale[normal]), found[normal])
    log_student = pm.logp(pm.StudentT.dist(nu=df[~normal], mu=mean[~normal], sigma=scale[~normal]), found[~normal])
    pm.Potential(f"{name}_prior", pt.sum(log_normal) + pt.sum(log_student))
    return found


def _anchored(pt: Any, post: Posterior, theta: Any, link: Any) -> Any:
    """Log density of cut points whose shares at the mean row, or each group's own, are Dirichlet."""
    from scipy.special import gammaln

    anchor = post.prior.anchor
    eta = pt.tensordot(pt.as_tensor(anchor.rows), theta, axes=1)
    log_p = LOG_PROBABILITIES[post.model.family](eta, link)
    groups, steps, _ = anchor.rows.shape
    answers, each = steps + 1, anchor.concentration
    constant = groups * float(gammaln(answers * each) - answers * gammaln(each))
    return constant + (each - 1.0) * pt.sum(log_p) + pt.sum(SHARES_JACOBIAN[post.model.family](eta, log_p, link))


@dataclass(frozen=True, eq=False)
class ReadableJoint:
    """A ``pm.Model`` and the map from this package's coordinates to its values."""

    model: Any
    layout: JointLayout

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
