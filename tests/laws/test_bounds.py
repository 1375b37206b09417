"""Laws of bounds: they contain the truth, shrink with every printed number, and collapse when everything is printed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from wwm_models.claims.article import Article, Published, Reference
from wwm_models.identification.joint_table import Margins
from wwm_models.identification.region import Region, regions
from wwm_models.identification.solve import allowed
from wwm_models.numerics.linear_programs import extremes, feasible, largest_entropy

ROWS, COLUMNS = ("18-34", "35-49", "50-64", "65-70"), ("alone", "couple", "family", "unknown")
EXACT = 1e-6  # the solver keeps constraints to 1e-7 each


@dataclass(frozen=True)
class Population:
    """Shares of the cells, and the probability of every answer in each."""

    margins: Margins
    probabilities: NDArray[np.float64]

    def region(self, printed: list[Published], *asked: Reference) -> Region:
        article = Article(published=tuple(printed))
        return regions(article, self.margins, [*(number.at for number in printed), *asked])["wish"]


def a_population(rng: np.random.Generator) -> Population:
    """Two to four rows and columns, two to four answers, sometimes an empty cell, a row outside the figures, unknowns."""
    shape = tuple(int(size) for size in rng.integers(2, 5, 3))
    shares = rng.dirichlet(np.full(shape[0] * shape[1], 0.8)).reshape(shape[:2])
    answers = tuple(f"a{place}" for place in range(shape[2]))
    outside, unknown = (ROWS[3:] if shape[0] == 4 else ()), (COLUMNS[3] if shape[1] == 4 else "")
    margins = Margins(
        "age", "home", pd.DataFrame(shares, index=list(ROWS[: shape[0]]), columns=list(COLUMNS[: shape[1]])),
        outside=outside, unknown=unknown, answers={"wish": answers},
    )  # fmt: skip
    return Population(margins, rng.dirichlet(np.full(shape[2], 0.7), shape[:2]))


def references(population: Population) -> list[Reference]:
    """Every number that could be printed: everyone, rows, columns and cells, of every answer."""
    ages, homes = population.margins.levels("age"), population.margins.levels("home")
    groups = [(), *((("age", age),) for age in ages), *((("home", home),) for home in homes)]
    groups += [(("age", age), ("home", home)) for age in ages for home in homes]
    return [Reference("wish", answer, group) for group in groups for answer in population.margins.answers["wish"]]


def prints(population: Population, name: str, at: Reference) -> Published:
    """A number as the article would print it: the weighted percentage, rounded."""
    value = float(population.region([], at).raw(at) @ population.probabilities.ravel())
    return Published(name, at, float(round(100 * value)), "integer", "text")


@pytest.mark.slow
def test_bounds_contain_the_truth_and_shrink_with_another_number_for_1000_populations():
    rng = np.random.default_rng(20210504)
    pairs, truths = [], []
    for _ in range(1000):
        population = a_population(rng)
        every = references(population)
        chosen = rng.choice(len(every), size=min(6, len(every)), replace=False)
        numbers = [prints(population, f"P{place}", every[place]) for place in chosen]
        asked = every[int(rng.integers(len(every)))]
        region = population.region(numbers, asked)
        form = region.adjusted(asked)
        truths.append(form @ population.probabilities.ravel())
        pairs += [(region.polyhedron(printed=numbers[:-1]), form), (region.polyhedron(), form)]
    few, more = extremes(pairs).reshape(-1, 2, 2).transpose(1, 0, 2)
    truth = np.array(truths)
    for ends in (few, more):
        assert (ends[:, 0] <= truth + EXACT).all()
        assert (truth <= ends[:, 1] + EXACT).all()
    assert (few[:, 0] <= more[:, 0] + EXACT).all()
    assert (more[:, 1] <= few[:, 1] + EXACT).all()
    assert (np.ptp(more, axis=1) < np.ptp(few, axis=1) - 0.01).sum() > 100  # and often by a good deal


@pytest.mark.slow
def test_with_every_cell_printed_bounds_are_the_exact_value_within_rounding():
    rng = np.random.default_rng(7)
    checked = 0
    for _ in range(40):
        population = a_population(rng)
        if (population.margins.table.to_numpy() <= 0).any():
            continue
        cells = [at for at in references(population) if len(at.group) == 2]
        numbers = [prints(population, f"P{place}", at) for place, at in enumerate(cells)]
        asked = [at for at in references(population) if len(at.group) < 2]
        region = population.region(numbers, *asked)
        forms = [region.adjusted(at) for at in asked]
        ends = extremes([(region.polyhedron(), form) for form in forms])
        truth = np.array([form @ population.probabilities.ravel() for form in forms])
        assert (np.abs(ends - truth[:, None]) <= 0.01 + EXACT).all()  # half a point to print, half a point to read
        checked += len(asked)
    assert checked > 300


@pytest.mark.parametrize("seed", range(5))
def test_bounds_widen_with_the_limit_on_the_interaction_up_to_the_plain_ones(seed: int):
    rng = np.random.default_rng(seed)
    population = a_population(rng)
    every = references(population)
    numbers = [prints(population, str(place), at) for place, at in enumerate(every) if len(at.group) == 1]
    region = population.region(numbers, *every)
    forms = [region.adjusted(at) for at in every if len(at.group) == 1]
    known = ~np.isin(population.margins.table.columns, [population.margins.unknown])
    own = interaction(population.probabilities[:, known])
    deltas = (own, (own + 1.0) / 2.0, 1.0)
    found = [extremes([(region.polyhedron(delta), form) for form in forms]) for delta in (*deltas, np.inf)]
    truth = np.array([form @ population.probabilities.ravel() for form in forms])
    assert (found[0][:, 0] <= truth + EXACT).all()
    assert (truth <= found[0][:, 1] + EXACT).all()
    for narrow, wide in itertools.pairwise(found):
        assert (wide[:, 0] <= narrow[:, 0] + EXACT).all()
        assert (narrow[:, 1] <= wide[:, 1] + EXACT).all()
    np.testing.assert_allclose(found[-2], found[-1], atol=EXACT)  # no interaction of probabilities passes 1


def interaction(probabilities: NDArray[np.float64]) -> float:
    """The largest departure from the least-squares additive table: an upper limit of the true interaction."""
    rest = probabilities - probabilities.mean(0) - probabilities.mean(1, keepdims=True) + probabilities.mean((0, 1))
    return float(np.abs(rest).max())


def test_without_interaction_exact_margins_give_direct_standardisation_of_the_additive_model():
    """With p = alpha_a + beta_h the row and column percentages identify both; the rest is a weighted mean."""
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.full(9, 3.0)).reshape(3, 3)
    margins = Margins(
        "age", "home", pd.DataFrame(shares, index=ROWS[:3], columns=COLUMNS[:3]), answers={"wish": ("no", "yes")}
    )
    alpha, beta = np.array([0.2, 0.35, 0.5]), np.array([0.0, 0.15, 0.3])
    yes = alpha[:, None] + beta
    population = Population(margins, np.stack([1 - yes, yes], axis=-1))
    every = [at for at in references(population) if len(at.group) == 1 and at.category == "yes"]
    region = population.region([], *every)
    raws = np.array([region.raw(at) for at in every])
    exact = raws @ population.probabilities.ravel()
    polyhedron = region.polyhedron(0.0).with_rows(raws, exact, exact)
    ends = extremes([(polyhedron, region.adjusted(at)) for at in every])
    wanted = [*(alpha + beta @ shares.sum(axis=0)), *(beta + alpha @ shares.sum(axis=1))]
    np.testing.assert_allclose(ends, np.column_stack([wanted, wanted]), atol=EXACT)


def test_no_limit_is_set_on_those_of_unknown_household():
    """They are a mixture of the households in shares that differ by age, so additive cells do not make them additive."""
    shares = np.array([[0.2, 0.1, 0.1], [0.1, 0.4, 0.1]])
    frame = pd.DataFrame(shares, index=ROWS[:2], columns=["alone", "couple", "unknown"])
    margins = Margins("age", "home", frame, unknown="unknown", answers={"wish": ("no", "yes")})
    yes = np.array([[0.1, 0.5], [0.3, 0.7]])
    mixed = (yes * shares[:, :2]).sum(axis=1) / shares[:, :2].sum(axis=1)
    whole = np.column_stack([yes, mixed])
    region = regions(Article(), margins, [Reference("wish", "yes")])["wish"]
    point = np.stack([1 - whole, whole], axis=-1).ravel()
    assert feasible(region.polyhedron(0.0).with_rows(np.eye(len(point)), point, point))
    bent = np.stack([1 - whole, whole], axis=-1)
    bent[0, 0] = bent[0, 0, ::-1]
    assert not feasible(region.polyhedron(0.0).with_rows(np.eye(len(point)), bent.ravel(), bent.ravel()))


def test_the_point_of_largest_entropy_is_independence_when_only_margins_are_printed():
    """Of a figure by age alone, nothing is said of households: the same answer in each, nearest to indifference."""
    rng = np.random.default_rng(11)
    population = a_population(rng)
    while population.margins.table.shape != (3, 3) or len(population.margins.answers["wish"]) != 2:
        population = a_population(rng)
    rows = [
        at for at in references(population) if len(at.group) == 1 and at.group[0][0] == "age" and at.category == "a1"
    ]
    numbers = [prints(population, str(place), at) for place, at in enumerate(rows)]
    region = population.region(numbers)
    point = allowed({"wish": region}, np.inf).points["wish"].reshape(region.shape)
    for row, number in enumerate(numbers):
        low, high = number.limits
        np.testing.assert_allclose(point[row, :, 1], np.clip(0.5, max(low, 0.0), min(high, 1.0)), atol=1e-6)


def test_the_point_of_largest_entropy_is_what_iterative_proportional_fitting_gives_for_exact_margins():
    """Deming and Stephan's algorithm is an independent way to the same table."""
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.full(9, 3.0)).reshape(3, 3)
    answers = ("a0", "a1", "a2")
    margins = Margins(
        "age", "home", pd.DataFrame(shares, index=ROWS[:3], columns=COLUMNS[:3]), answers={"wish": answers}
    )
    population = Population(margins, rng.dirichlet(np.ones(3), (3, 3)))
    every = [at for at in references(population) if len(at.group) == 1]
    region = population.region([], *every)
    raws = np.array([region.raw(at) for at in every])
    exact = raws @ population.probabilities.ravel()
    polyhedron = region.polyhedron().with_rows(raws, exact - 1e-7, exact + 1e-7)
    found = largest_entropy(polyhedron, region.entropy_weights(), np.full(27, 1 / 3)).reshape(3, 3, 3)
    joint = shares[:, :, None] * population.probabilities
    fitted = np.repeat(shares[:, :, None] / 3, 3, axis=2)
    for _ in range(2000):
        for axis in (0, 1, 2):
            fitted *= joint.sum(axis=axis, keepdims=True) / fitted.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(found, fitted / shares[:, :, None], atol=1e-4)
