"""The readable PyMC model has the same log density and gradient as ours, for every family and kind of prior."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.engines.bayes.nuts import Chain
from wwm_models.engines.bayes.sample import assembled, posterior_problem
from wwm_models.engines.bayes.target import Whitened
from wwm_models.engines.maximum import starting_point
from wwm_models.families import FAMILIES

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
    problem = posterior_problem(wwm.Model("y ~ age + x", **options), survey, priors=priors)
    target = problem.target
    start = target.coordinates.free(starting_point(target.likelihood.family, target.likelihood, problem.design))
    rng = np.random.default_rng(1)
    chains = [
        Chain(
            0.05 * rng.standard_normal((100, len(start))),
            {"diverging": np.zeros(100, dtype=bool), "outside": np.zeros(100, dtype=bool)},
        )
        for _ in range(2)
    ]
    return problem, assembled(problem, Whitened(start, np.eye(len(start))), chains, {"seed": 1})


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
    is_cut = np.asarray(post.design.is_cut)
    coordinates = problem.target.coordinates
    climbed = coordinates.ladders * coordinates.ordered if coordinates.ladders > 1 else 0
    for free in problem.target.coordinates.free(post.uncorrected[:3]):
        point = {}
        for variable in model.value_vars:
            if climbed:
                ladders = variable.name.startswith("ladders")
                point[variable.name] = free[:climbed].reshape(coordinates.ladders, -1) if ladders else free[climbed:]
            else:
                point[variable.name] = free[is_cut] if variable.name.startswith("cutpoints") else free[~is_cut]
        value, gradient = log_density(point)
        mine, slope = problem.target.value_and_gradient(free)
        order = np.concatenate([np.flatnonzero(is_cut), np.flatnonzero(~is_cut)])
        order = np.arange(len(free)) if climbed else order
        np.testing.assert_allclose(mine, value, rtol=1e-8)
        np.testing.assert_allclose(slope[order], gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())
