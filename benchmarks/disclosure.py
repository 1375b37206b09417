"""``python -m benchmarks.disclosure [SURVEYS [PROCESSES [tables|integers]]]``: attacks on everything that is published of random surveys.

The attack by linear programming stands here, the one by whole numbers in `benchmarks.disclosure_integers`.

For every random survey, many of them tiny: raw percentages and counts by two variables, by each of them, and of everyone, of all answers and of a
collapse, and those of a second question that merges the answers; adjusted percentages and coefficients of three models, by both engines (see
`benchmarks.disclosure_models`). Small cells are suppressed with all that protects them. The attacker then knows the layout, the respondents and weights
of every cell, and all that is still there, and computes the limits of every suppressed number with scipy's linprog, independently of the package's
own programs.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

import wwm_models as wwm
from benchmarks.disclosure_integers import report
from benchmarks.disclosure_models import OF, Equations, equations, modelled
from wwm_models.disclosure.suppressed_tables import models_that_disclose, withhold, without_withheld

BELOW = 10
CLOSE = 1e-6  # of linprog's own tolerance
SAMPLED = 10  # the models of one survey in so many are sampled too


@dataclass(frozen=True)
class Attack:
    """One attack on everything that is published of one survey.

    Attributes
    ----------
    items, primary, hidden : int
        Numbers that would be published, those on too few respondents, and those left out in all.
    found : int
        Those of the hidden that are found out.
    alone : int
        Those of the primary that would be if only they were left out.
    by_models : int
        Those of the hidden that would be if all numbers of the models were published.
    one_sided : int
        Those of the hidden that are protected on one side only: the attacker is sure of a bound on the other.
    likelihood, bayes : int
        Models that were fitted, and sampled.
    """

    items: int
    primary: int
    hidden: int
    found: int
    alone: int
    by_models: int = 0
    one_sided: int = 0
    likelihood: int = 0
    bayes: int = 0


def respondents(rng: np.random.Generator) -> wwm.Survey:
    """12 to 500 respondents by two variables, of 2 and of 2 or 3 levels (sometimes unknown), with 2 or 3 answers; weighted."""
    rows, columns, answers = (int(rng.integers(*ends)) for ends in ((2, 3), (2, 4), (2, 4)))
    n = int(12 * (500 / 12) ** rng.random())
    even = float(rng.choice([1.0, 4.0]))  # how alike the sizes of cells and of answers are
    shares = rng.dirichlet(np.full(rows * columns, even))
    cell = rng.choice(rows * columns, n, p=shares)
    chances = rng.dirichlet(np.full(answers, even), rows * columns)
    y = np.array([rng.choice(answers, p=chances[place]) for place in cell])
    a, h = cell // columns, cell % columns
    h = np.where(rng.random(n) < rng.choice([0.0, 0.05]), -1, h)
    names = [f"k{place}" for place in range(answers)]
    merged = np.minimum(y, 1)
    frame = pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(y, names, ordered=True),
            "m": pd.Categorical.from_codes(merged, ["first", "rest"]),
            "a": pd.Categorical.from_codes(a, [f"a{place}" for place in range(rows)]),
            "h": pd.Categorical.from_codes(h, [f"h{place}" for place in range(columns)]),
            "g": pd.Categorical.from_codes(rng.integers(0, 2, n), ["g0", "g1"]),
            "w": rng.gamma(8.0, 1.0 / 8.0, n),
        }
    )
    collapses = {"last": ("y", names[-2:])} if answers > 2 else {}
    survey = wwm.Survey.from_frame(frame, weight="w", collapses=collapses)
    return replace(survey, suppress_below=BELOW, suppress_counts=bool(rng.random() < 0.5))


def attack(survey: wwm.Survey, seed: int = 1, engines: tuple[str, ...] = ("likelihood", "bayes")) -> Attack:
    """Publish, suppress, and try to find out."""
    collapses = {name: found.levels for name, found in survey.collapses.items()}
    raws = {
        outcome: {
            by: wwm.raw(survey, outcome, by or None, collapses=collapses if outcome == "y" else None)
            for by in ((), ("a",), ("h",), ("a", "h"))
        }
        for outcome in ("y", "m")
    }
    kept, withheld = withhold(survey, raws)
    everything = [
        (outcome, by, before, after)
        for outcome, tables in raws.items()
        for by, estimates in tables.items()
        for before, after in zip(
            estimates.table.to_dict("records"), kept[outcome][by].table.to_dict("records"), strict=True
        )
        if before["n"] > 0
    ]
    system = System(survey, collapses)
    made = modelled(survey, seed, engines=engines)
    told = models_that_disclose(OF, raws, withheld)
    everywhere = equations(made, made.tables, system.keys, system.w)
    shown = equations(made, without_withheld(made.tables, withheld, told), system.keys, system.w)
    known = [
        (system.form(outcome, by, after), after) for outcome, by, _, after in everything if np.isfinite(after["count"])
    ]
    secret = [
        (system.form(outcome, by, after), before)
        for outcome, by, before, after in everything
        if not np.isfinite(after["count"])
    ]
    found, one_sided = system.recovered(known, secret, shown)
    by_models = system.recovered(known, secret, everywhere)[0]
    small = [
        (system.form(outcome, by, before), before) for outcome, by, before, _ in everything if system.primary(before)
    ]
    rest = [(system.form(outcome, by, row), row) for outcome, by, row, _ in everything if not system.primary(row)]
    alone = system.recovered(rest, small)[0]
    sampled = made.tables["adjusted"].loc[
        made.tables["adjusted"]["method"].astype(str).str.startswith("bayes"), "model"
    ]
    return Attack(
        len(everything), withheld.primary, len(secret), found, alone, by_models, one_sided, len(made.fits), sampled.nunique()
    )  # fmt: skip


class System:
    """The cells that nobody sees, and how every published number adds them up."""

    def __init__(
        self,
        survey: wwm.Survey,
        collapses: dict[str, tuple[str, ...]],
        outcome: str = "y",
        by: tuple[str, ...] = ("a", "h"),
    ) -> None:
        self.collapses, self.counts = collapses, survey.suppress_counts
        names = list(by)
        self.answers = list(survey.frame[outcome].cat.categories)
        keys = survey.frame[names].astype(object).where(survey.frame[names].notna(), "?")
        self.keys = keys.drop_duplicates(ignore_index=True)
        place = keys.merge(self.keys.reset_index(), on=names, how="left")["index"].to_numpy()
        self.n = np.bincount(place, minlength=len(self.keys)).astype(float)
        self.w = np.bincount(place, survey.weights, minlength=len(self.keys))

    def form(self, outcome: str, by: tuple[str, ...], row: dict) -> NDArray[np.bool_]:
        """(cells, answers): what a row of a table adds up."""
        inside = np.ones(len(self.keys), dtype=bool)
        for name in by:
            inside &= (self.keys[name] == row[name]).to_numpy()
        if outcome == "m":
            chosen = self.answers[:1] if row["category"] == "first" else self.answers[1:]
        else:
            chosen = self.collapses.get(row["category"], (row["category"],))
        return np.outer(inside, [answer in chosen for answer in self.answers])

    def recovered(self, known: list, secrets: list, told: Equations | None = None) -> tuple[int, int]:
        """How many suppressed numbers are found out to within their protection interval, by counts or by weights.

        The second number is of those that are not, but of which one end of the interval is the truth itself.
        """
        if not secrets:
            return 0, 0
        forms = [form for form, _ in secrets]
        by_count = self.limits(known, forms, self.n, "count")
        by_weight = self.limits(known, forms, self.w, "estimate", told)
        found = one_sided = 0
        for (form, secret), counted, weighted in zip(secrets, by_count, by_weight, strict=True):
            count, n = secret["count"], secret["n"]
            reach = np.ceil(max(1.0, 0.3 * count)) if self.primary(secret) else 1.0
            low, high = n * weighted / self.w[form.any(axis=1)].sum()
            least, most = np.ceil(counted[0] - CLOSE), np.floor(counted[1] + CLOSE)
            safe = protected(least, most, count, reach, n) and protected(low, high, n * secret["estimate"], reach, n)
            found += not safe
            one_sided += safe and (least == count or most == count)
        return found, one_sided

    def primary(self, secret: dict) -> bool:
        """Whether a number is left out for its own sake."""
        return secret["n"] < BELOW or (self.counts and secret["count"] < BELOW)

    def limits(
        self, known: list, forms: list, base: NDArray[np.float64], column: str, told: Equations | None = None
    ) -> NDArray[np.float64]:
        """(forms, 2): smallest and largest sum of each form over all tables that agree with what is known."""
        cells, size = forms[0].shape
        rows = np.vstack([np.kron(np.eye(cells), np.ones(size)), *(shown.ravel()[None, :] for shown, _ in known)])
        scale = [1.0 if column == "count" else base[shown.any(axis=1)].sum() for shown, _ in known]
        values = np.concatenate([base, [row[column] * by for (_, row), by in zip(known, scale, strict=True)]])
        objectives = np.array([sign * form.ravel() for sign in (1.0, -1.0) for form in forms])
        each = sparse.eye(len(objectives))
        solved = linprog(
            objectives.ravel(), A_eq=sparse.kron(each, sparse.csr_matrix(rows), format="csr"), b_eq=np.tile(values, len(objectives)),
            bounds=(0, None), **_between(told, each),
        )  # fmt: skip
        if solved.x is None:
            assert told is not None, solved.message
            return self.limits(known, forms, base, column)  # a posterior mean is not as near as the attacker thought
        least = (objectives * solved.x.reshape(objectives.shape)).sum(axis=1).reshape(2, -1)
        return np.column_stack([least[0], -least[1]])


def _between(told: Equations | None, each: sparse.sparray) -> dict[str, object]:
    """What models tell, as inequalities as wide as the solver is exact."""
    if told is None or not len(told.rows):
        return {}
    both = sparse.csr_matrix(np.vstack([told.rows, -told.rows]))
    ends = np.concatenate([told.high + CLOSE, CLOSE - told.low])
    return {"A_ub": sparse.kron(each, both, format="csr"), "b_ub": np.tile(ends, each.shape[0])}


def protected(low: float, high: float, true: float, reach: float, n: float) -> bool:
    """Whether an attacker's interval reaches the protection interval at one end that is not the truth itself."""
    below, above = max(true - reach, 0.0), min(true + reach, n)
    return (low <= below + 10 * CLOSE and below < true - CLOSE) or (high >= above - 10 * CLOSE and above > true + CLOSE)


def attack_of_seed(seed: int) -> Attack:
    """The attack on one random survey."""
    engines = ("likelihood", "bayes") if seed % SAMPLED == 0 else ("likelihood",)
    return attack(respondents(np.random.default_rng([2021, seed])), seed, engines)


def main(tables: int = 1000, jobs: int = 2) -> str:
    """The committed figure."""
    start = time.perf_counter()
    every = wwm.run_many(attack_of_seed, range(tables), jobs=jobs)
    total = {field.name: sum(getattr(one, field.name) for one in every) for field in fields(Attack)}
    items, primary, hidden, found, alone = (total[name] for name in ("items", "primary", "hidden", "found", "alone"))
    return (
        "# Suppression against an attack by linear programming\n\n"
        f"`python -m benchmarks.disclosure {tables}`: {tables:,} random surveys of 12 to 500 respondents, threshold {BELOW}, half of them with small "
        "numerators suppressed too.\n\n"
        "| | |\n|---|---|\n"
        f"| numbers that would be published | {items:,} |\n"
        f"| on too few respondents (primary) | {primary:,} |\n"
        f"| left out in all | {hidden:,} |\n"
        f"| found out if only those on too few were left out | {alone:,} |\n"
        f"| found out if every number of the models were published | {total['by_models']:,} |\n"
        f"| **found out to within their protection interval** | **{found:,}** |\n"
        f"| protected on one side only (the attacker is sure of a bound on the other) | {total['one_sided']:,} |\n"
        f"| models fitted by maximum likelihood | {total['likelihood']:,} |\n"
        f"| models sampled | {total['bayes']:,} |\n\n"
        "Of each survey three models of the answer: saturated in the two variables, their main effects, and these with a third variable whose "
        "combinations are not published. One that cannot be fitted, or whose draws cannot be trusted, publishes nothing.\n\n"
        f"{time.perf_counter() - start:,.0f} seconds on a shared machine.\n"
    )


def sections(text: str) -> dict[str, str]:
    """The parts of the committed file by their headings; the first is that of the tables."""
    first, *rest = text.split("\n## ")
    return {"tables": f"{first.rstrip()}\n", **({"integers": f"## {rest[0]}"} if rest else {})}


if __name__ == "__main__":
    count, jobs = int((*sys.argv[1:], "1000")[0]), int((*sys.argv[2:], "1")[0]) if sys.argv[2:] else 1
    parts = sys.argv[3:] or ["tables", "integers"]
    file = Path(__file__).parent / "results" / "disclosure.md"
    made = {"tables": main, "integers": report}
    found = sections(file.read_text(encoding="utf-8")) | {name: made[name](count, jobs) for name in parts}
    text = f"{found['tables']}\n{found['integers']}"
    print(text)
    if count == 1000:
        file.write_text(text, encoding="utf-8")
