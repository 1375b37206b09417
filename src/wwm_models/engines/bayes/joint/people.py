"""What ArviZ needs of a joint posterior's respondents one by one: their answers, answers drawn anew, log densities, and draws from the prior.

Each item has a dimension of its own, ``respondent_ITEM``, of those who answered it. ``log_likelihood`` has one value per person: of all his
answers together, his own effect integrated out. Sizes are limited as for a model of one item.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.joint.loo import log_likelihood_of_rows
from wwm_models.engines.bayes.joint.simulate import simulated_codes
from wwm_models.engines.bayes.respondents import MOST, WEIGHTS, thinned, variable_name
from wwm_models.records import ItemParameters, JointPosterior

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
PRIOR_DRAWS = 500


def rows_of_people(post: JointPosterior) -> Codes:
    """(n,) unique row of every respondent used."""
    return np.repeat(np.arange(len(post.rows.counts)), np.round(post.rows.counts).astype(np.intp))


def prior_parameters(
    post: JointPosterior, draws: int, generator: np.random.Generator
) -> tuple[ItemParameters, Array, Array]:
    """Draws from the prior: parameters of the items, (draws, p) mean slopes and (draws, terms) spreads.

    As `JointPriors` says: the answers at the average row are Dirichlet, so cut points are logits of their cumulative sums.
    """
    priors, rows, layout = post.density.priors, post.rows, post.density.layout
    items, columns = len(rows.items), len(rows.names)
    mean = generator.normal(0.0, priors.slopes, (draws, columns))
    spread = np.abs(generator.normal(0.0, priors.spread, (draws, len(layout.term_names))))
    slopes = mean[:, None] + spread[:, None, layout.term] * generator.standard_normal((draws, items, columns))
    cuts = np.empty((draws, len(rows.cut_item)))
    for item in range(items):
        own = rows.cut_item == item
        shares = generator.dirichlet(np.full(int(own.sum()) + 1, priors.cutpoints), draws)
        below = np.clip(shares.cumsum(axis=1)[:, :-1], 1e-15, 1.0 - 1e-15)
        cuts[:, own] = np.log(below) - np.log1p(-below)
    loadings = np.exp(generator.normal(priors.loading_location, priors.loading_scale, (draws, items)))
    return ItemParameters(cuts, slopes, loadings), mean, spread


def people_groups(post: JointPosterior, prior: ItemParameters) -> dict[str, Any]:
    """The groups ``observed_data``, ``posterior_predictive``, ``prior_predictive`` and ``log_likelihood``, those that fit."""
    row = rows_of_people(post)
    answered = post.rows.answers[:, row]
    length, people = len(post.unconstrained) // post.chains, len(row) * len(answered)
    found = {"observed_data": _answers(post, answered, answered[:, None, None])}
    within = thinned(post.chains, length, people)
    if within is not None:
        chosen = (np.arange(post.chains)[:, None] * length + within).ravel()
        drawn = _drawn(post, post.draws, chosen, row, 11).reshape(len(answered), post.chains, len(within), -1)
        found["posterior_predictive"] = _answers(post, answered, drawn, within)
    few = thinned(1, len(prior.cuts), people)
    if few is not None:
        found["prior_predictive"] = _answers(post, answered, _drawn(post, prior, few, row, 12)[:, None], few)
    if len(post.unconstrained) * len(row) <= MOST:
        found["log_likelihood"] = _log_likelihood(post, row, length)
    return found


def _drawn(post: JointPosterior, drawn: ItemParameters, chosen: Codes, row: Codes, number: int) -> NDArray[np.int16]:
    """(J, s, n) positions among the answers with respondents that all give under the chosen draws, each with a new effect."""
    generator, columns = np.random.default_rng([post.seed, number]), post.rows.predictors[row]
    found = np.empty((len(post.rows.items), len(chosen), len(row)), dtype=np.int16)
    for place, s in enumerate(chosen):
        one = ItemParameters(drawn.cuts[s], drawn.slopes[s], drawn.loadings[s])
        found[:, place] = simulated_codes(one, post.rows.cut_item, columns, generator)
    return found


def _answers(post: JointPosterior, answered: Codes, values: Any, draws: Codes | None = None) -> Any:
    """A Dataset of (J, chains, draws, n) positions among the answered ones, of each item those who answered it, as declared positions."""
    import xarray as xr

    by_draw = {} if draws is None else {"chain": np.arange(values.shape[1]), "draw": draws}
    found, facts = {}, {}
    for j, item in enumerate(post.rows.items):
        given, name = answered[j] >= 0, variable_name(item)
        codes = post.rows.orders[j][values[j][..., given]].astype(np.int16)
        own = f"respondent_{name}"
        found[name] = ((own,), codes[0, 0]) if draws is None else (("chain", "draw", own), codes)
        facts[f"answers_{name}"] = json.dumps(list(map(str, post.rows.categories[j])), ensure_ascii=False)
    return xr.Dataset(found, by_draw, facts)


def _log_likelihood(post: JointPosterior, row: Codes, length: int) -> Any:
    import xarray as xr

    by_row = log_likelihood_of_rows(post, np.arange(len(post.unconstrained)))
    values = by_row[:, row].reshape(post.chains, length, -1)
    place = {"chain": np.arange(post.chains), "draw": np.arange(length), "respondent": np.arange(len(row))}
    return xr.Dataset({"person": (("chain", "draw", "respondent"), values)}, place, {"note": WEIGHTS})
