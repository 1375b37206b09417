"""What is simulated: models x sizes x designs, each condition a pair of files that an interrupted run finds again."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

import wwm_models as wwm
from benchmarks.coverage.estimator import Results, batched, names_of_results, official
from benchmarks.coverage.population import ANSWERS, MODELS, SHARES, Truth, adjusted_truth, truth, variables_of
from benchmarks.coverage.samples import DESIGNS, Samples, draw
from wwm_models.errors import RankError, SeparationError, WwmError

SIZES = (150, 500, 1530)
CHUNK = 250  # samples per batch
CHECKED = 1  # samples of each chunk that also go the public way, to hold the batch to it
AGREEMENT = 1e-8  # largest difference allowed between the two ways, in standard errors
SEPARATED = "separated"


@dataclass(frozen=True)
class Condition:
    """One row of the tables: a model, a number of respondents and a way to draw them."""

    model: str
    n: int
    design: str

    @property
    def seed(self) -> list[int]:
        """Distinct for each condition."""
        return [2021, list(MODELS).index(self.model), self.n, DESIGNS.index(self.design)]

    @property
    def penalises(self) -> bool:
        """Whether separated samples get the penalised fit (a quarter of a second each): where there is a target."""
        return self.n >= 500 and self.design != "heavy"

    def samples(self, replicates: int) -> int:
        """Half of `replicates` at the size that has no target."""
        return replicates // 2 if self.n == 150 else replicates


CONDITIONS = [Condition(*row) for row in itertools.product(MODELS, SIZES, DESIGNS)]


@dataclass(frozen=True, eq=False)
class Chunk:
    """What became of R samples.

    Attributes
    ----------
    results : Results
        Missing where there are none.
    outcomes : Counter
    observed : (R, K) bool array
        Which answers were observed.
    penalised : (R,) bool array
        Separated samples with the results of the penalised fit that the error offers.
    largest_gap : float
        Between the batch and the public way.
    """

    results: Results
    outcomes: Counter[str]
    observed: np.ndarray
    penalised: np.ndarray
    largest_gap: float


def simulated(condition: Condition, replicates: int, folder: Path) -> None:
    """Simulate a condition and leave ``<condition>.coverage.csv`` and ``.outcomes.csv``, unless they are there."""
    stem = f"{condition.model}-{condition.n}-{condition.design}-{replicates}"
    coverage, outcomes = folder / f"{stem}.coverage.csv", folder / f"{stem}.outcomes.csv"
    if outcomes.exists():
        return
    wanted = condition.samples(replicates)
    chunks = [
        simulated_chunk(condition, min(CHUNK, wanted - first), [*condition.seed, first])
        for first in range(0, wanted, CHUNK)
    ]
    key = {"model": condition.model, "n": condition.n, "design": condition.design}
    coverage_table(condition, chunks).assign(**key).to_csv(coverage, index=False)
    gap = max(chunk.largest_gap for chunk in chunks)
    tally = sum((chunk.outcomes for chunk in chunks), Counter[str]())
    rows = [{**key, "outcome": outcome, "samples": count, "largest_gap": gap} for outcome, count in tally.items()]
    pd.DataFrame(rows).to_csv(outcomes, index=False)


def joined(parts: list[Results]) -> Results:
    """Results of several chunks, one below the other."""
    return Results(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Results)))


def simulated_chunk(condition: Condition, replicates: int, seed: list[int]) -> Chunk:
    """Draw and estimate `replicates` samples."""
    which = truth(condition.model)
    samples = draw(which, condition.design, condition.n, replicates, np.random.default_rng(seed))
    observed = (samples.answer[:, :, None] == np.arange(len(ANSWERS))).any(axis=1)
    whole = np.flatnonzero(observed.all(axis=1))
    found, valid = batched(which, some(samples, whole))
    results = Results(*(np.full((replicates, len(names_of_results(which))), np.nan) for _ in fields(Results)))
    outcomes = Counter({"ok": int(valid.sum())})
    penalised = np.zeros(replicates, dtype=bool)
    put(results, whole[valid], found, valid)
    for row in np.setdiff1d(np.arange(replicates), whole[valid]):
        outcome, one = publicly(which, samples.survey(row), penalise=condition.penalises)
        outcomes[outcome] += 1
        penalised[row] = outcome == SEPARATED
        put(results, row, one, 0)
    gaps = [gap(results, row, official(which, samples.survey(row))) for row in whole[valid][:CHECKED]]
    if max(gaps, default=0.0) > AGREEMENT:
        raise AssertionError(f"{condition}: batch and public way differ by {max(gaps):.2g} standard errors")
    return Chunk(results, outcomes, observed, penalised, max(gaps, default=0.0))


def put(results: Results, where: object, found: Results, which: object) -> None:
    """Write rows `which` of `found` into rows `where` of `results`."""
    for field in fields(Results):
        getattr(results, field.name)[where] = getattr(found, field.name)[which]


def some(samples: Samples, rows: np.ndarray) -> Samples:
    """Some of the samples."""
    return replace(samples, pattern=samples.pattern[rows], answer=samples.answer[rows], weight=samples.weight[rows])


def gap(results: Results, row: int, public: Results) -> float:
    """Largest difference between a row of results and one by the public way, relative to the standard error."""
    error = public.std_error[0]
    return max(
        float(np.max(np.abs(getattr(results, field.name)[row] - getattr(public, field.name)[0]) / error))
        for field in fields(Results)
    )


def publicly(which: Truth, survey: wwm.Survey, *, penalise: bool) -> tuple[str, Results]:
    """What the public functions say of a sample: an outcome in words, and results with missing values where there are none."""
    nothing = Results(*(np.full((1, len(names_of_results(which))), np.nan) for _ in fields(Results)))
    try:
        return "ok", official(which, survey)
    except SeparationError:
        return SEPARATED, official(which, survey, penalty="jeffreys") if penalise else nothing
    except RankError:
        return "a level without respondents", nothing
    except WwmError as problem:
        return "predicted cut points cross" if "cross" in str(problem) else str(problem)[:60], nothing


def true_values(which: Truth) -> np.ndarray:
    """(m,) true values of the quantities."""
    return np.concatenate([which.theta, *(adjusted_truth(which, name).ravel() for name in variables_of(which.model))])


def coverage_table(condition: Condition, chunks: list[Chunk]) -> pd.DataFrame:
    """Coverage of every quantity, over the samples that have an interval for it and in which its answer was observed.

    ``used`` and ``covered`` are of maximum likelihood; ``used_all`` and ``covered_all`` count the penalised fits of
    separated samples too.
    """
    which = truth(condition.model)
    results, observed = joined([chunk.results for chunk in chunks]), np.concatenate([c.observed for c in chunks])
    penalised = np.concatenate([chunk.penalised for chunk in chunks])[:, None]
    names, true, parameters = names_of_results(which), true_values(which), len(which.theta)
    answer = np.tile(np.arange(len(ANSWERS)), (len(names) - parameters) // len(ANSWERS))
    given = np.hstack([np.ones((len(observed), parameters), dtype=bool), observed[:, answer]])
    every = np.isfinite(results.lower) & np.isfinite(results.upper) & given
    usable = every & ~penalised
    inside = (results.lower <= true) & (true <= results.upper)
    probability = np.arange(len(names)) >= parameters
    events = np.append(events_per_parameter(which, condition.n), np.full(int(probability.sum()), np.nan))
    columns = {
        "quantity": names,
        "kind": np.where(probability, "adjusted", np.where(np.resize(which.design.is_cut, len(names)), "cut", "slope")),
        "truth": true,
        "events_per_parameter": events,
        "used": usable.sum(axis=0),
        "covered": (inside & usable).sum(axis=0),
        "used_all": every.sum(axis=0),
        "covered_all": (inside & every).sum(axis=0),
        "below": ((true < results.lower) & usable).sum(axis=0),
        "above": ((true > results.upper) & usable).sum(axis=0),
        "outside_0_1": (((results.lower < 0.0) | (results.upper > 1.0)) & probability).sum(axis=0),
        "mean_estimate": mean_where(results.estimate, usable),
        "sd_estimate": np.sqrt(mean_where((results.estimate - mean_where(results.estimate, usable)) ** 2, usable)),
        "mean_std_error": mean_where(results.std_error, usable),
    }
    return pd.DataFrame(columns)


def mean_where(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """(m,) means over the usable rows; missing where there is none."""
    with np.errstate(invalid="ignore"):
        return np.where(usable, values, 0.0).sum(axis=0) / usable.sum(axis=0)


def events_per_parameter(which: Truth, n: int) -> np.ndarray:
    """(p,) expected events per parameter.

    A parameter of one predictor: the rarer side of the two answers (or sets of answers) that predictor compares, divided by the
    parameters in it. A slope shared by all: Harrell's effective number n (1 - sum share^3), divided by the slopes.
    """
    sides = _SIDES[which.family.name](SHARES)
    enters = np.any(which.linear.array != 0, axis=0)
    shared = enters.all(axis=0)
    own = np.array(
        [n * sides[np.flatnonzero(column)[0]] / enters[np.flatnonzero(column)[0]].sum() for column in enters.T]
    )
    return np.where(shared, n * (1.0 - (SHARES**3).sum()) / (~which.design.is_cut).sum(), own)


_SIDES = {
    "cumulative": lambda s: np.minimum(np.cumsum(s)[:-1], 1.0 - np.cumsum(s)[:-1]),
    "adjacent": lambda s: np.minimum(s[:-1], s[1:]),
    "continuation": lambda s: np.minimum(s[:-1], 1.0 - np.cumsum(s)[:-1]),
    "multinomial": lambda s: np.minimum(s[1:], s[0]),
}
