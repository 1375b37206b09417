"""The readable PyMC model has the same log density and gradient as ours, for every family and kind of prior."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.bayes.density import Whitened
from wwm_models.bayes.sample import assembled, posterior_problem
from wwm_models.bayes.sampler import Chain
from wwm_models.likelihood.maximum import starting_point
from wwm_models.models.model import FAMILIES

CASES = {
    **{name: ({"family": name}, {}) for name in FAMILIES},
    "cumulative-probit": ({"link": "probit"}, {"slopes": "student_t(3, 0, 1)"}),
    "cumulative-cloglog": ({"link": "cloglog"}, {"cutpoints": "ordered_normal(0, 1.5)"}),
    "cumulative-loglog": ({"link": "loglog"}, {"cutpoints": "induced_dirichlet(2)"}),
    "cumulative-cauchit": ({"link": "cauchit"}, {"terms": {"age": "student_t(4, 0, 2)"}}),
    "stopping-cloglog": ({"family": "stopping", "link": "cloglog"}, {"cutpoints": "normal(0, 2)"}),
    "partial": ({"nonproportional": ("age",)}, {}),
    "partial-number": ({"nonproportional": ("x",)}, {"slopes": "student_t(4, 0, 1)", "terms": {"age": "normal(0, 2)"}}),
    "partial-scale": ({"nonproportional": ("age",), "scale": "~ household"}, {"cutpoints": "induced_dirichlet(2)"}),
    "partial-truncated": ({"nonproportional": ("age", "x")}, {}),
    "r2d2": ({}, {"slopes": "r2d2(0.3, 4, 1.5)"}),
    "r2d2-own": ({"family": "adjacent"}, {"slopes": "r2d2(0.5, 2, 1)", "terms": {"x": "student_t(4, 0, 1)"}}),
    "monotonic": ({"formula": "y ~ mo(age) + x"}, {"terms": {"mo(age)": "student_t(3, 0, 1)"}}),
    "monotonic-r2d2": (
        {"formula": "y ~ mo(age) + household"},
        {"slopes": "r2d2(0.3, 4, 1)", "terms": {"mo(age)": "normal(0, 1)"}},
    ),
    "pooled": ({"formula": "y ~ age * household + x"}, {"terms": {"age:household": "zero_sum(0.5)"}}),
    "pooled-partial": (
        {"formula": "y ~ age * household + mo(z) + x", "nonproportional": ("x",)},
        {"terms": {"age:household": "zero_sum(0.4)", "mo(z)": "normal(0, 2)"}},
    ),
    "grouped": ({"thresholds_by": "household"}, {"cutpoints": "induced_dirichlet(2)"}),
    "grouped-ordered": ({"thresholds_by": "household"}, {"cutpoints": "ordered_normal(0, 1.5)"}),
    "grouped-own": ({"thresholds_by": "household", "nonproportional": ("age",), "scale": "~ x"}, {}),
    "grouped-stopping": ({"family": "stopping", "thresholds_by": "household"}, {"cutpoints": "normal(0, 2)"}),
    "grouped-adjacent": ({"family": "adjacent", "thresholds_by": "household"}, {"slopes": "r2d2(0.3, 4, 1)"}),
    "grouped-equidistant": ({"thresholds": "equidistant", "thresholds_by": "household"}, {}),
    "scale": ({"scale": "~ household"}, {"scale": "normal(0, 0.3)"}),
    "equidistant": ({"thresholds": "equidistant"}, {}),
    "reversed": ({"reverse": True}, {}),
}


@pytest.fixture(scope="module", autouse=True)
def _quiet_pymc():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def posterior_without_sampling(survey, options, priors):
    """The record of a posterior whose draws are standard normals in free coordinates: enough to write the model down."""
    problem = posterior_problem(wwm.Model(**{"formula": "y ~ age + x", **options}), survey, priors=priors)
    target = problem.target
    start = problem.density.start(starting_point(target.likelihood.family, target.likelihood, problem.design))
    rng = np.random.default_rng(1)
    chains = [
        Chain(
            0.05 * rng.standard_normal((100, len(start))),
            {"diverging": np.zeros(100, dtype=bool), "outside": np.zeros(100, dtype=bool)},
        )
        for _ in range(2)
    ]
    return problem, assembled(problem, Whitened(start, np.eye(len(start))), chains, {"seed": 1})


def parts_of(problem):
    """Positions among our free coordinates of each of PyMC's variables, by the start of its name."""
    coordinates, blocks = problem.target.coordinates, problem.target.prior.blocks
    size = len(problem.design.names)
    others = np.setdiff1d(np.arange(size), np.concatenate([[], *(coordinates.position(b.place) for b in blocks)]))
    parts, start = {}, len(others)
    for block in blocks:
        m = len(block.place)
        if hasattr(block, "basis"):
            parts |= {f"{block.term}_z": np.arange(start, start + m), f"{block.term}_spread": start + m}
        elif hasattr(block, "term"):
            parts |= {f"{block.term}_total": start, f"{block.term}_shares": np.arange(start + 1, start + m)}
        else:
            place = np.arange(start, start + 2 * m)
            parts |= {"slopes_zeta": place[:m], "shares": place[m:-1], "R2": place[-1]}
        start += block.size
    if coordinates.linear_transform is not None:
        increasing = coordinates.threshold_patterns * coordinates.ordered
        thresholds = np.arange(increasing).reshape(coordinates.threshold_patterns, -1)
        return {**parts, "thresholds": thresholds, "rest": np.arange(increasing, len(others))}
    is_cut = np.asarray(problem.design.is_cut)[others.astype(int)]
    cutpoints = (
        np.flatnonzero(is_cut).reshape(coordinates.threshold_patterns, -1)
        if coordinates.threshold_patterns > 1
        else np.flatnonzero(is_cut)
    )
    return {**parts, "cutpoints": cutpoints, "slopes": np.flatnonzero(~is_cut)}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_log_density_and_gradient_equal_those_of_pymc(name, frame):
    import pytensor

    options, priors = CASES[name]
    weighted = name in ("multinomial", "cumulative-probit")
    survey = wwm.Survey.from_frame(frame, weight="w" if weighted else None)
    problem, post = posterior_without_sampling(survey, options, priors)
    with pytensor.config.change_flags(mode="FAST_COMPILE", cxx=""):
        model = post.to_pymc()
        log_density = model.compile_fn([model.logp(), model.dlogp()], inputs=model.value_vars, on_unused_input="ignore")
    parts = parts_of(problem)
    for theta in post.uncorrected[:3]:
        free = problem.density.start(theta) + 0.1 * np.sin(np.arange(len(problem.density.start(theta))))
        point = {}
        for variable in model.value_vars:
            place = next(places for name, places in parts.items() if variable.name.startswith(name))
            point[variable.name] = free[place]
        value, gradient = log_density(point)
        mine, slope = problem.density.value_and_gradient(free)
        wanted = [next(name for name in parts if variable.name.startswith(name)) for variable in model.value_vars]
        order = np.concatenate([np.ravel(parts[name]) for name in wanted])
        np.testing.assert_allclose(mine, value, rtol=1e-8)
        np.testing.assert_allclose(slope[order], gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())
