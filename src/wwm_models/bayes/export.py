"""A posterior as ArviZ has it (InferenceData, or DataTree from ArviZ 1 on), and as a netCDF file that `az.from_netcdf` opens without this package.

Respondents one by one (`respondent_groups`): observed answers, answers drawn anew and log densities, although the likelihood is on cells. They
stand in the order of their cells, pattern by pattern, so those who gave the same answers lie together; their rows of the survey are not told. An
answer is its position among the declared ones. Everything is of the draws as they were sampled: those rotated to the design are not draws from a
density that has the likelihood as a factor. What would be more than `MOST` numbers is thinned to draws that are evenly spaced, and left out below
`FEWEST` draws; log densities are either of all draws or not there, because leave-one-out accuracy needs them all.

One outcome (`inference_data`, `write_netcdf`), by group: ``posterior`` (theta as it is reported, and as it was sampled), ``sample_stats``,
``prior``, ``constant_data`` with what turns predictors into the design, and of every respondent ``observed_data``, ``posterior_predictive``,
``prior_predictive`` and ``log_likelihood``, so that `az.plot_ppc` or `az.plot_ppc_dist`, `az.loo` and `az.summary` need nothing of this package.
Where respondents are too many, the attribute ``left_out`` of ``posterior`` says which groups are not there, and ``cell_log_likelihood`` has log p
of every cell with its count and weight instead.

Several items (`joint_inference_data`, `write_joint_netcdf`): ``posterior`` has cut points, slopes and loadings of every item, mean slopes,
spreads, and the sampler's own coordinates; ``constant_data`` the unique rows of predictors and answers with their weights. Each item has a
dimension of its own, ``respondent_ITEM``, of those who answered it, and its answers drawn anew and draws from the prior (`people_groups`).
``log_likelihood`` has one value per person: of all their answers together, their own effect integrated out. Sizes are limited as above.

Files hold counts of cells or rows, so they are marked INTERNAL: small cells can point at respondents.
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

from wwm_models.bayes.density import prior_draws
from wwm_models.bayes.joint_data import ItemParameters, JointPosterior
from wwm_models.bayes.joint_density import log_likelihood_of_rows, simulated_codes
from wwm_models.bayes.posterior import Posterior
from wwm_models.errors import FitError, listed
from wwm_models.likelihood.likelihood import predictors_of
from wwm_models.numerics.arrays import Array, Codes

MOST = 10_000_000  # numbers: 2,500 respondents under 4,000 draws, 40 MB before compression
FEWEST = 100  # draws, below which a predictive distribution says little
AT_ONCE = 200_000  # log probabilities per block
DIMENSION = "respondent"


def cells_of_respondents(post: Posterior) -> tuple[Codes, Codes]:
    """(n,) pattern, and position among the fitted answers, of every respondent used."""
    counts = post.cells.counts[:, post.design.order]
    pattern, answer = np.nonzero(counts)
    people = np.round(counts[pattern, answer]).astype(np.intp)
    return np.repeat(pattern, people), np.repeat(answer, people)


def fits(post: Posterior) -> bool:
    """Whether the log density of every respondent under every draw is kept."""
    return len(post.uncorrected) * post.n <= MOST


def thinned(chains: int, length: int, people: int) -> Codes | None:
    """Numbers of the draws of each chain under which all respondents are drawn anew; None where that would be too few."""
    within = min(length, MOST // max(1, people * chains))
    return np.linspace(0, length - 1, within).astype(np.intp) if within * chains >= FEWEST else None


def log_probabilities(post: Posterior, theta: Array) -> Array:
    """(s, P, J + 1) log probabilities of the answers with respondents, in the family's order, of (s, p) draws."""
    predictors = predictors_of(post.design)
    rows, answers = len(post.design.array), len(post.design.order)
    found = np.empty((len(theta), rows, answers))
    block = max(1, AT_ONCE // (rows * answers))
    for first in range(0, len(found), block):
        eta = predictors.eta_of_draws(theta[first : first + block])
        found[first : first + block] = post.family.log_probabilities(eta, post.link).reshape(-1, rows, answers)
    return found


def drawn_answers(post: Posterior, log_p: Array, generator: np.random.Generator) -> NDArray[np.int16]:
    """(s, n) positions among the declared answers that the respondents give at (s, P, J + 1) log probabilities."""
    pattern, _ = cells_of_respondents(post)
    found = np.empty((len(log_p), len(pattern)), dtype=np.int16)
    block = max(1, 10 * AT_ONCE // max(1, len(pattern)))
    for first in range(0, len(log_p), block):
        below = np.exp(log_p[first : first + block]).cumsum(axis=2)
        chance = generator.random((len(below), len(pattern)))
        place = sum((chance > below[:, pattern, k]).astype(np.intp) for k in range(below.shape[2] - 1))
        found[first : first + block] = post.design.order[place]
    return found


def respondent_groups(post: Posterior, log_p: Array, prior: Array | None, seed: int) -> dict[str, Any]:
    """The groups ``observed_data``, ``posterior_predictive``, ``prior_predictive`` and ``log_likelihood``, those that fit.

    Parameters
    ----------
    post : Posterior
    log_p : (s, P, J + 1) array
        `log_probabilities` of the draws as they were sampled.
    prior : (s, p) array or None
        Draws from the prior.
    seed : int

    Returns
    -------
    dict of name to xarray Dataset
    """
    import xarray as xr

    pattern, answer = cells_of_respondents(post)
    name, length = variable_name(post.cells.outcome), len(post.draws) // post.chains
    person = {DIMENSION: np.arange(len(pattern))}
    answers = json.dumps(list(map(str, post.cells.categories)), ensure_ascii=False)
    facts = {"answers": answers, "note": "respondents in the order of their cells, answers by their position"}
    dims = ("chain", "draw", DIMENSION)
    found = {
        "observed_data": xr.Dataset({name: ((DIMENSION,), post.design.order[answer].astype(np.int16))}, person, facts)
    }
    within = thinned(post.chains, length, len(pattern))
    if within is not None:
        chosen = (np.arange(post.chains)[:, None] * length + within).ravel()
        drawn = drawn_answers(post, log_p[chosen], np.random.default_rng([seed, 11]))
        by_draw = {"chain": np.arange(post.chains), "draw": within, **person}
        found["posterior_predictive"] = xr.Dataset(
            {name: (dims, drawn.reshape(post.chains, len(within), -1))}, by_draw, facts
        )
    few = None if prior is None else thinned(1, len(prior), len(pattern))
    if prior is not None and few is not None:
        drawn = drawn_answers(post, log_probabilities(post, prior[few]), np.random.default_rng([seed, 12]))
        found["prior_predictive"] = xr.Dataset(
            {name: (dims, drawn[None])}, {"chain": [0], "draw": few, **person}, facts
        )
    if fits(post):
        values = log_p[:, pattern, answer].reshape(post.chains, length, -1)
        by_draw = {"chain": np.arange(post.chains), "draw": np.arange(length), **person}
        found["log_likelihood"] = xr.Dataset({name: (dims, values)}, by_draw, {"note": WEIGHTS})
    return found


WEIGHTS = "log p of each respondent's answer; weights are set aside, wwm.loo is under them"


def variable_name(outcome: str) -> str:
    """The outcome as a variable of a netCDF file, whose names hold no slash and are not those of its dimensions."""
    name = outcome.replace("/", "_")
    return f"{name}_answer" if name in ("chain", "draw", DIMENSION) else name


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
    return {
        "posterior": posterior,
        "sample_stats": stats,
        **people,
        "prior": prior,
        "constant_data": _joint_constants(post),
    }


def _joint_constants(post: JointPosterior) -> Any:
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
