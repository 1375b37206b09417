"""Draws of the joint model of all items: nodes, start and coordinates, chains, health.

Weights: each respondent's marginal likelihood, in which his effect is integrated out, is raised to his weight, and weights sum
to Kish's effective n; likelihood and person effect so carry the same weight (Rabe-Hesketh and Skrondal 2006). The draws are not
rotated to the design-based covariance, and the posterior's notes say so.

References
----------
Rabe-Hesketh, S. and Skrondal, A. (2006). Multilevel modelling of complex survey data. JRSS A 169, 805-827.
doi:10.1111/j.1467-985X.2006.00426.x
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import whole_number
from wwm_models.engines.bayes.chains import Keeper, Tell, Under, check_sizes, run_chains
from wwm_models.engines.bayes.health import health_table
from wwm_models.engines.bayes.joint.density import JointDensity, JointPriors, Layout
from wwm_models.engines.bayes.joint.likelihood import MarginalLikelihood
from wwm_models.engines.bayes.joint.pilot import Pilot, pilot
from wwm_models.engines.bayes.joint.rows import item_rows, rest_correlations
from wwm_models.engines.bayes.joint.storage import joint_inference_data
from wwm_models.engines.bayes.nuts import Chain, Settings
from wwm_models.engines.bayes.sample import trouble_with
from wwm_models.errors import FitError
from wwm_models.many import in_processes
from wwm_models.records import Columns, Survey
from wwm_models.records.joint import ItemParameters, ItemRows, JointPosterior

Array = NDArray[np.float64]
WARMUP = 200
LONGER = 3  # times the draws, where the first ones are too few: spreads between items move slowly
ACCEPT, CAREFUL = (
    0.7,
    0.95,
)  # in 120 dimensions 0.7 gives the most effective draws per gradient; the retry is slower and safer


def sample_joint(
    items: Sequence[str],
    predictors: str,
    survey: Survey,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1000,
    warmup: int = WARMUP,
    priors: JointPriors | None = None,
    jobs: int = 1,
    progress: Tell | None = None,
    kept: Keeper | None = None,
) -> JointPosterior:
    """Draw from the joint posterior of several ordered items with an effect per person that they share.

    Parameters
    ----------
    items : sequence of str
        Two or more ordered outcomes, all worded in one direction: loadings are positive.
    predictors : str
        Right side of a formula, such as ``"age_group + household"``; the same for every item.
    survey : Survey
    seed : int
        Results do not depend on `jobs`.
    chains, draws, warmup : int
        As for `wwm.sample`: at least 2, 100 and 50.
    priors : JointPriors, optional
    jobs : int
        Processes over chains, 1 or more.
    progress : function of (str, int, int), optional
    kept : Keeper, optional
        Where finished chains are stored and looked up, so that an interrupted run does not draw them again.

    Returns
    -------
    JointPosterior
        Look at ``healthy``.

    Raises
    ------
    ModelError, RankError
        If items or predictors do not fit the survey.
    FitError
        If there are too few chains or draws to judge a posterior by.
    """
    tell = progress or (lambda what, done, total: None)  # noqa: ARG005
    check_sizes(chains, draws, warmup)
    whole_number(jobs, "jobs", FitError, least=1)
    survey.one_by_one("wwm.sample_joint")
    rows = item_rows(items, predictors, survey)
    total = chains * (draws + warmup)
    tell("joint model: finding the mode", 0, total)
    start = pilot(rows, priors or JointPriors())
    settings = Settings(draws, warmup, ACCEPT)
    run = _chains(start, seed, chains, settings, jobs, tell, kept)
    if any(chain.stats["diverging"].any() for chain in run):
        settings = replace(settings, warmup=2 * warmup, target_accept=CAREFUL)
        run = _chains(start, seed, chains, settings, jobs, tell, kept)
    post = assembled(start, run, survey, seed)
    if post.healthy:
        return post
    run = _chains(start, seed, chains, replace(settings, draws=LONGER * draws), jobs, tell, kept)
    return assembled(start, run, survey, seed)


def _chains(
    start: Pilot, seed: int, chains: int, settings: Settings, jobs: int, tell: Tell, kept: Keeper | None
) -> list[Chain]:
    """One chain per seed, in as many processes as asked for."""
    seeds = [int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(chains)]
    places = [None if kept is None else Under(kept, f"seed-{own}") for own in seeds]
    total = chains * (settings.draws + settings.warmup)
    if jobs == 1:
        found: list[Chain] = []
        for number, (own, place) in enumerate(zip(seeds, places, strict=True)):
            tell("joint model: sampling", total * number // chains, total)
            found += run_chains(start.density, start.space, own, 1, settings, _quiet, place)
        return found
    portable = _portable(start)
    tell("joint model: sampling", 0, total)
    work = (
        (portable.density, portable.space, own, 1, settings, _quiet, place)
        for own, place in zip(seeds, places, strict=True)
    )
    done: list[Chain] = []
    for chain in in_processes(run_chains, work, jobs=jobs):
        done += chain
        tell("joint model: sampling", total * len(done) // chains, total)
    return done


def _quiet(what: str, done: int, total: int) -> None:
    """Chains of the joint model report when they end."""


def _portable(start: Pilot) -> Pilot:
    """The same without the formula's encoder, which other processes do not need."""
    density = start.density
    rows = replace(density.likelihood.rows, build=_no_build)
    likelihood = MarginalLikelihood(rows, density.likelihood.nodes)
    return Pilot(JointDensity(likelihood, density.priors, density.layout.centring), start.space)


def _no_build(columns: Columns) -> Array:
    raise NotImplementedError(f"A process that samples does not encode rows; it was given {list(columns)}.")


def assembled(start: Pilot, run: list[Chain], survey: Survey, seed: int) -> JointPosterior:
    """The record of a joint posterior from its chains."""
    layout, rows = start.density.layout, start.density.layout.rows
    points = start.space.free(np.concatenate([chain.z for chain in run]))
    parameters = layout.parameters(points)
    _, mean, coordinate, _, _ = layout.split(points)
    spreads = pd.DataFrame(layout.spreads(coordinate), columns=pd.Index(layout.term_names))
    named = _named(layout, parameters, mean, spreads)
    health = health_table(np.column_stack(list(named.values())), len(run), list(named))
    divergences = int(sum(chain.stats["diverging"].sum() for chain in run))
    return JointPosterior(
        survey=survey,
        rows=rows,
        draws=parameters,
        unconstrained=points,
        names=layout.names(),
        mean_slopes=mean,
        spreads=spreads,
        chains=len(run),
        health=health,
        divergences=divergences,
        message=trouble_with(health, divergences),
        notes=notes_on(rows, survey),
        seed=seed,
        density=start.density,
        sample_stats={name: np.array([chain.stats[name] for chain in run]) for name in run[0].stats},
        build_idata=joint_inference_data,
    )


def _named(layout: Layout, parameters: ItemParameters, mean: Array, spreads: pd.DataFrame) -> dict[str, Array]:
    rows = layout.rows
    cut_names = layout.names()[: layout.cuts]
    named = {name: parameters.cuts[:, k] for k, name in enumerate(cut_names)}
    named |= {
        f"slope:{item}:{name}": parameters.slopes[:, j, k]
        for j, item in enumerate(rows.items)
        for k, name in enumerate(rows.names)
    }
    named |= {f"loading:{item}": parameters.loadings[:, j] for j, item in enumerate(rows.items)}
    named |= {f"mean:{name}": mean[:, k] for k, name in enumerate(rows.names)}
    return named | {f"spread:{term}": spreads[term].to_numpy() for term in layout.term_names}


def notes_on(rows: ItemRows, survey: Survey) -> tuple[str, ...]:
    """What a reader must know of weights and of items that do not go together."""
    notes: list[str] = []
    if survey.weight_kind == "sampling":
        notes.append(
            f"Weights raise each respondent's likelihood, person effect included, and sum to Kish's effective n ({rows.n_effective:.0f} of {rows.n}); "
            "the draws are not rotated to a design-based covariance, so intervals hold for that many independent respondents."
        )
    for item, others in zip(rows.items, rest_correlations(rows.answers, rows.weights), strict=True):
        if others < 0.0:
            notes.append(
                f'Item "{item}" goes against the others (rank correlation with their mean {others:.2f}); loadings are positive, so its person effect is '
                "understated. Turn its answers around, or leave it out."
            )
    return tuple(notes)
