"""``python -m benchmarks.bounds_sentences [POPULATIONS]``: bounds under sentences that are true of a population contain its adjusted numbers.

For every random population (two questions, two to four rows and columns, unknowns and rows outside the figures, empty cells): some numbers are printed,
and random claims of every kind that are true of its raw percentages are assumed. Then every adjusted number asked for has to lie within its
bounds, without a limit on the interaction and under the population's own; a claim that survives any adjustment has to be true of the adjusted
numbers, and one that survives none false. The interaction of the population is computed here, from the largest residual of the additive least-squares table.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.identification.conclusions import ASSUMED, FALSE, NO_TABLE, TRUE, Claimed, verdict
from wwm_models.identification.joint_table import Margins
from wwm_models.identification.region import Region, regions
from wwm_models.identification.solve import Sentence, allowed, limits, of_claim, of_number

ROWS, COLUMNS = ("18-34", "35-49", "50-64", "65-70"), ("alone", "couple", "family", "unknown")
QUESTIONS = ("wish", "before")
EXACT = 1e-6  # the solver keeps constraints to 1e-7 each


@dataclass(frozen=True)
class Population:
    """Shares of the cells, and the probability of every answer of two questions in each."""

    margins: Margins
    probabilities: dict[str, NDArray[np.float64]]

    def value(self, at: Reference, *, adjusted: bool) -> float:
        """The true percentage of a reference, raw or adjusted, as a probability."""
        region = self.region(at)
        form = region.adjusted(at) if adjusted else region.raw(at)
        return float(form @ self.probabilities[at.outcome].ravel())

    def region(self, at: Reference) -> Region:
        """The region of its question, of which nothing is printed."""
        return regions(Article(), self.margins, [at])[at.outcome]

    @property
    def interaction(self) -> float:
        """An upper limit of the interaction of both questions."""
        known = ~np.isin(self.margins.table.columns, [self.margins.unknown])
        found = [0.0]
        for table in self.probabilities.values():
            p = table[:, known]
            rest = p - p.mean(0) - p.mean(1, keepdims=True) + p.mean((0, 1))
            found.append(float(np.abs(rest).max()))
        return max(found)


def population(rng: np.random.Generator) -> Population:
    """Two to four rows and columns, two or three answers."""
    shape = tuple(int(size) for size in rng.integers(2, 5, 2))
    shares = rng.dirichlet(np.full(shape[0] * shape[1], 0.8)).reshape(shape)
    answers = tuple(f"a{place}" for place in range(int(rng.integers(2, 4))))
    margins = Margins(
        "age", "home", pd.DataFrame(shares, index=list(ROWS[: shape[0]]), columns=list(COLUMNS[: shape[1]])),
        outside=ROWS[3:] if shape[0] == 4 else (), unknown=COLUMNS[3] if shape[1] == 4 else "",
        answers=dict.fromkeys(QUESTIONS, answers),
    )  # fmt: skip
    return Population(margins, {name: rng.dirichlet(np.full(len(answers), 0.7), shape) for name in QUESTIONS})


def references(one: Population) -> list[Reference]:
    """Every number of everyone, a row or a column, of every answer of both questions."""
    groups = [(), *((("age", age),) for age in one.margins.levels("age"))]
    groups += [(("home", home),) for home in one.margins.levels("home")]
    answers = one.margins.answers["wish"]
    return [Reference(name, answer, group) for name in QUESTIONS for answer in answers for group in groups]


def true_claim(one: Population, rng: np.random.Generator, every: list[Reference], name: str) -> Claim:
    """A claim of a random kind that is true of raw."""
    pick = [every[int(place)] for place in rng.choice(len(every), 3, replace=False)]
    values = [100 * one.value(at, adjusted=False) for at in pick]
    kind = str(rng.choice(["bound", "below", "order", "range", "equivalence", "ratio"]))
    slack = float(rng.uniform(0.01, 8.0))
    if kind == "bound" and values[0] - slack > 0:
        return Claim(name, "bound", references={"at": pick[0]}, numbers={"above": values[0] - slack})
    if kind == "below" and values[0] + slack < 100:
        return Claim(name, "bound", references={"at": pick[0]}, numbers={"below": values[0] + slack})
    if kind == "equivalence":
        margin = float(np.ptp(values)) + slack
        return Claim(
            name,
            "equivalence",
            references={f"between.{n}": at for n, at in enumerate(pick)},
            numbers={"margin": margin},
        )
    if kind == "ratio" and min(values[:2]) > 1:
        ratio = values[0] / values[1]
        limits = {"lower": 0.8 * ratio, "upper": 1.2 * ratio}
        return Claim(name, "ratio", references={"numerator": pick[0], "denominator": pick[1]}, numbers=limits)
    if kind == "order" and abs(values[0] - values[1]) > 1e-6:
        high, low = (0, 1) if values[0] > values[1] else (1, 0)
        margin = max(0.0, values[high] - values[low] - slack)
        return Claim(name, "order", references={"greater": pick[high], "lesser": pick[low]}, numbers={"margin": margin})
    limits = {"lower": max(0.0, values[0] - slack), "upper": min(100.0, values[0] + slack)}
    return Claim(name, "range", references={"at": pick[0]}, numbers=limits, rounding="none")


def wrong(one: Population, rng: np.random.Generator) -> tuple[list[str], Counter[str]]:
    """What contradicts the truth in the bounds of one population, and the verdicts on its claims without a limit on the interaction."""
    every = [at for at in references(one) if one.region(at).has_weight(at)]
    printed = tuple(
        Published(
            f"P{n}",
            every[int(place)],
            float(round(100 * one.value(every[int(place)], adjusted=False))),
            "integer",
            "text",
        )
        for n, place in enumerate(rng.choice(len(every), 3, replace=False))
    )
    claims = tuple(true_claim(one, rng, every, f"C{n}") for n in range(5))
    article = Article(published=printed, claims=claims)
    known = regions(article, one.margins, every)
    own = [
        Claimed(of_claim(claim, article, known), of_claim(claim, article, known, raw=True), ASSUMED) for claim in claims
    ]
    sentences = [Sentence(claim.id, each.raw) for claim, each in zip(claims, own, strict=True)]
    points = {name: one.probabilities[name].ravel() for name in known}
    quantities = [quantity for each in own for quantity in each.adjusted] + [
        of_number(number, known) for number in printed
    ]
    problems: list[str] = []
    verdicts: Counter[str] = Counter()
    for delta in (np.inf, one.interaction):
        space = allowed(known, delta, sentences)
        ends = limits(quantities, space)
        for quantity, (low, high) in zip(quantities, ends, strict=True):
            truth = quantity.value(points)
            if not low - EXACT <= truth <= high + EXACT * max(1.0, truth):
                problems.append(f"{quantity.id} {quantity.kind} at {delta}: {truth} outside {low} to {high}")
        for each in own:
            told = verdict(each, limits(each.adjusted, space), space)
            verdicts[told] += int(np.isinf(delta))
            inside = [quantity.inside.contains(*[quantity.value(points)] * 2, EXACT) for quantity in each.adjusted]
            outside = [quantity.inside.excludes(*[quantity.value(points)] * 2, -EXACT) for quantity in each.adjusted]
            if (told == TRUE and any(outside)) or (told == FALSE and all(inside)) or told == NO_TABLE:
                problems.append(f"{each.adjusted[0].id} at {delta}: {told}, in the population {inside}")
    return problems, verdicts


def main(arguments: list[str]) -> None:
    """Try as many populations as are asked for, print and write results/bounds_sentences.md."""
    count, rng = int(arguments[0]) if arguments else 1000, np.random.default_rng(20261130)
    start, problems, verdicts = time.perf_counter(), list[str](), Counter[str]()
    for _ in range(count):
        found, told = wrong(population(rng), rng)
        problems += found
        verdicts += told
    lines = [
        "# Bounds that use sentences: the truth is inside",
        "",
        f"`python -m benchmarks.bounds_sentences {count}`: {count:,} random populations, five claims each that are true of their raw percentages.",
        "",
        f"Adjusted numbers outside their bounds, and verdicts that are false of the population: {len(problems)}.",
        "",
        "| verdict on a claim, with sentences | claims |",
        "|---|---|",
        *(f"| {verdict} | {number:,} |" for verdict, number in verdicts.most_common()),
        "",
    ]
    text = "\n".join(lines)
    print(text, *problems[:20], f"{time.perf_counter() - start:.0f} s", sep="\n")
    (Path(__file__).parent / "results" / "bounds_sentences.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
