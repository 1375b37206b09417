"""``python -m benchmarks.disclosure [TABLES]``: an attack by linear programming on everything that is published of random surveys.

For every random survey: raw percentages and counts by two variables, by each of them, and of everyone, of all answers and of a collapse, and
those of a second question that merges the answers; adjusted percentages of a saturated model, whose likelihood reproduces the raw ones. Small cells
are suppressed with all that protects them. The attacker then knows the layout, the respondents and weights of every cell, and all that
is still there, and computes the limits of every suppressed number with scipy's linprog, independently of the package's own programs.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

import wwm_models as wwm
from wwm_models.disclosure import withhold

BELOW = 10
CLOSE = 1e-6  # of linprog's own tolerance


@dataclass(frozen=True)
class Attack:
    """One attack: how many numbers there were, were left out, and were found out; and would be if only small ones were left out."""

    items: int
    primary: int
    hidden: int
    found: int
    alone: int


def respondents(rng: np.random.Generator) -> wwm.Survey:
    """60 to 500 respondents by two variables, of 2 and of 2 or 3 levels (sometimes unknown), with 2 or 3 answers; weighted."""
    n, rows, columns, answers = (int(rng.integers(*ends)) for ends in ((60, 500), (2, 3), (2, 4), (2, 4)))
    shares = rng.dirichlet(np.full(rows * columns, 1.0))
    cell = rng.choice(rows * columns, n, p=shares)
    chances = rng.dirichlet(np.full(answers, 1.0), rows * columns)
    y = np.array([rng.choice(answers, p=chances[place]) for place in cell])
    a, h = cell // columns, cell % columns
    h = np.where(rng.random(n) < rng.choice([0.0, 0.05]), -1, h)
    names = [f"k{place}" for place in range(answers)]
    merged = np.minimum(y, 1)
    frame = pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(y, names),
            "m": pd.Categorical.from_codes(merged, ["first", "rest"]),
            "a": pd.Categorical.from_codes(a, [f"a{place}" for place in range(rows)]),
            "h": pd.Categorical.from_codes(h, [f"h{place}" for place in range(columns)]),
            "w": rng.gamma(8.0, 1.0 / 8.0, n),
        }
    )
    collapses = {"last": ("y", names[-2:])} if answers > 2 else {}
    survey = wwm.Survey.from_frame(frame, weight="w", collapses=collapses)
    return replace(survey, suppress_below=BELOW, suppress_counts=bool(rng.random() < 0.5))


def attack(survey: wwm.Survey) -> Attack:
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
    known = [
        (system.form(outcome, by, after), after) for outcome, by, _, after in everything if np.isfinite(after["count"])
    ]
    secret = [
        (system.form(outcome, by, after), before)
        for outcome, by, before, after in everything
        if not np.isfinite(after["count"])
    ]
    found = system.recovered(known, secret)
    small = [
        (system.form(outcome, by, before), before) for outcome, by, before, _ in everything if system.primary(before)
    ]
    rest = [(system.form(outcome, by, row), row) for outcome, by, row, _ in everything if not system.primary(row)]
    alone = system.recovered(rest, small)
    return Attack(len(everything), withheld.primary, len(secret), found, alone)


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

    def recovered(self, known: list, secrets: list) -> int:
        """How many suppressed numbers are found out to within their protection interval, by counts or by weights."""
        if not secrets:
            return 0
        forms = [form for form, _ in secrets]
        by_count, by_weight = self.limits(known, forms, self.n, "count"), self.limits(known, forms, self.w, "estimate")
        found = 0
        for (form, secret), counted, weighted in zip(secrets, by_count, by_weight, strict=True):
            count, n = secret["count"], secret["n"]
            reach = np.ceil(max(1.0, 0.3 * count)) if self.primary(secret) else 1.0
            low, high = n * weighted / self.w[form.any(axis=1)].sum()
            safe = protected(np.ceil(counted[0] - CLOSE), np.floor(counted[1] + CLOSE), count, reach, n)
            found += not (safe and protected(low, high, n * secret["estimate"], reach, n))
        return found

    def primary(self, secret: dict) -> bool:
        """Whether a number is left out for its own sake."""
        return secret["n"] < BELOW or (self.counts and secret["count"] < BELOW)

    def limits(self, known: list, forms: list, base: NDArray[np.float64], column: str) -> NDArray[np.float64]:
        """(forms, 2): smallest and largest sum of each form over all tables that agree with what is known."""
        cells, size = forms[0].shape
        rows = np.vstack([np.kron(np.eye(cells), np.ones(size)), *(shown.ravel()[None, :] for shown, _ in known)])
        scale = [1.0 if column == "count" else base[shown.any(axis=1)].sum() for shown, _ in known]
        values = np.concatenate([base, [row[column] * by for (_, row), by in zip(known, scale, strict=True)]])
        objectives = np.array([sign * form.ravel() for sign in (1.0, -1.0) for form in forms])
        copies = sparse.kron(sparse.eye(len(objectives)), sparse.csr_matrix(rows), format="csr")
        solved = linprog(objectives.ravel(), A_eq=copies, b_eq=np.tile(values, len(objectives)), bounds=(0, None))
        least = (objectives * solved.x.reshape(objectives.shape)).sum(axis=1).reshape(2, -1)
        return np.column_stack([least[0], -least[1]])


def protected(low: float, high: float, true: float, reach: float, n: float) -> bool:
    """Whether an attacker's interval reaches the protection interval at one end that is not the truth itself."""
    below, above = max(true - reach, 0.0), min(true + reach, n)
    return (low <= below + 10 * CLOSE and below < true - CLOSE) or (high >= above - 10 * CLOSE and above > true + CLOSE)


def attack_of_seed(seed: int) -> Attack:
    """The attack on one random survey."""
    return attack(respondents(np.random.default_rng([2021, seed])))


def main(tables: int = 1000) -> str:
    """The committed figure."""
    start = time.perf_counter()
    every: list[Attack] = Parallel(n_jobs=2)(delayed(attack_of_seed)(seed) for seed in range(tables))  # type: ignore[assignment]
    items, primary, hidden, found, alone = (
        sum(getattr(one, name) for one in every) for name in ("items", "primary", "hidden", "found", "alone")
    )
    return (
        "# Suppression against an attack by linear programming\n\n"
        f"`python -m benchmarks.disclosure {tables}`: {tables:,} random surveys of 60 to 500 respondents, threshold {BELOW}, half of them with small "
        "numerators suppressed too.\n\n"
        "| | |\n|---|---|\n"
        f"| numbers that would be published | {items:,} |\n"
        f"| on too few respondents (primary) | {primary:,} |\n"
        f"| left out in all | {hidden:,} |\n"
        f"| found out if only those on too few were left out | {alone:,} |\n"
        f"| found out to within their protection interval | {found:,} |\n\n"
        f"{time.perf_counter() - start:,.0f} seconds on a shared machine.\n"
    )


if __name__ == "__main__":
    text = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    print(text)
    if len(sys.argv) < 2:
        (Path(__file__).parent / "results" / "disclosure.md").write_text(text, encoding="utf-8")
