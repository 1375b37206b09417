"""An attack by whole numbers on what models publish, for `benchmarks.disclosure`.

Every random survey has two secrets: a level of an exposure that fewer than ten have, and such a level of an adjuster or such a combination of two
exposures. It is run through models as a study declares them, and what these publish goes through the package's filter. The attacker then knows
how many respondents, of which weight, have every combination of predictors. Of every level of a model the attacker writes down the likelihood equations that
belong to it alone, at the printed coefficients (all digits of the csv, and the four of a page), or at those that reproduce the adjusted percentages, goes
through all tables of whole numbers, and has found a secret where one choice is left and is true. He searches all messages for its
answers, and holds two runs against each other, the second with another adjuster or a respondent less.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import null_space
from scipy.optimize import least_squares
from scipy.special import gammaln

import wwm_models as wwm
from wwm_models.claims.article import Article
from wwm_models.disclosure.presentation_rules import models_together
from wwm_models.disclosure.suppressed_tables import Withheld, withhold, without_withheld
from wwm_models.errors import WwmError
from wwm_models.likelihood.likelihood import cell_likelihood
from wwm_models.study.declarations import model_of, reported_sets, requests_of
from wwm_models.study.diagnostics import failure
from wwm_models.study.fits import ModelResult, people_of, run_model
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.provenance import refused_models, silenced
from wwm_models.study.result_tables import adjusted_of

Array = NDArray[np.float64]
BELOW = 10
PAGE = 4  # digits that a page prints of a coefficient at most
MOST = 21.0  # bits: two million tables are gone through
TIED = 1e-6  # of an equation at a maximum that has converged
FAMILIES = (
    ("cumulative", "logit"),
    ("multinomial", "logit"),
    ("cumulative", "probit"),
    ("stopping", "logit"),
    ("adjacent", "logit"),
)
MARGINS = (("a",), ("h",), ("a", "h"))
JOINT = [("a", "h")]


@dataclass(frozen=True)
class Hunt:
    """What was found out of one survey, or of many.

    Attributes
    ----------
    surveys, secrets, models, published : int
        Models that were fitted, and those of which something is published.
    found, found_page, found_adjusted : int
        Secrets found out from what is published: coefficients at all digits, at a page's digits, adjusted percentages.
    open, open_page, open_adjusted : int
        The same, if every model were published.
    named, open_named : int
        Messages that name an answer beside a secret, published and before the filter.
    together, untold : int
        Pairs of runs whose published equations differ by fewer than ten respondents, and those of which ``wwm verify --against`` says nothing.
    """

    surveys: int = 0
    secrets: int = 0
    models: int = 0
    published: int = 0
    found: int = 0
    found_page: int = 0
    found_adjusted: int = 0
    open: int = 0
    open_page: int = 0
    open_adjusted: int = 0
    named: int = 0
    open_named: int = 0
    together: int = 0
    untold: int = 0


def total(hunts: list[Hunt]) -> Hunt:
    """Give the sums."""
    return Hunt(*(sum(getattr(one, field.name) for one in hunts) for field in fields(Hunt)))


def respondents(rng: np.random.Generator) -> tuple[wwm.Survey, tuple[tuple[str, ...], ...]]:
    """30 to 500 respondents, and the two groups of 2 to 9 of them that are secret, as ``("a = a2",)``."""
    n, answers = int(30 * (500 / 30) ** rng.random()), int(rng.integers(2, 5))
    few = rng.integers(2, BELOW, 2)
    a, h, g = rng.integers(0, 2, n), rng.integers(0, 2, n), rng.integers(0, 2, n)
    a[: few[0]] = 2
    joint = bool(rng.random() < 0.5)
    if joint:  # of the a1, so many are h0
        a[few[0] :] = np.where(rng.random(n - few[0]) < 0.5, 0, 1)
        place = few[0] + np.flatnonzero(a[few[0] :] == 1)
        h[place], h[place[: few[1]]] = 1, 0
    else:
        place = few[0] + rng.choice(n - few[0], few[1], replace=False)
        g[place] = 2
    chance = rng.dirichlet(np.ones(answers), 3)
    y = np.array([rng.choice(answers, p=chance[level]) for level in a])
    other = g.copy()
    moved = rng.choice(np.flatnonzero(g == 0), min(int(rng.integers(3, BELOW)), int((g == 0).sum()) - 1), replace=False)
    other[moved] = 1
    frame = pd.DataFrame(
        {
            name: pd.Categorical([f"{name}{code}" for code in codes])
            for name, codes in (("a", a), ("h", h), ("g", g), ("o", other))
        }
    )
    frame["y"] = pd.Categorical.from_codes(y, [f"k{place}" for place in range(answers)], ordered=True)
    kind = rng.integers(0, 3)
    frame["w"] = [np.ones(n), np.array([0.7, 1.2, 1.9])[a], rng.gamma(8.0, 1.0 / 8.0, n)][kind]
    survey = wwm.Survey.from_frame(frame, weight="w" if kind else None)
    return replace(survey, suppress_below=BELOW), (("a = a2",), ("a = a1", "h = h0") if joint else ("g = g2",))


def declared(rng: np.random.Generator) -> tuple[list[ModelSpec], list[ModelSpec]]:
    """The models of one run, and those of another with another adjuster."""
    family, link = FAMILIES[int(rng.integers(0, len(FAMILIES)))]
    one = ModelSpec("one", "y", family, link, ("a", "h"), ("g",), estimands=("h-adjusted",))
    few = ModelSpec("few", "y", family, link, ("h",), ("g",), primary=False)
    crossed = replace(one, name="crossed", interactions=("a:h",), primary=False)
    return [one, few, crossed], [
        replace(one, name="other", adjusters=("o",)),
        replace(few, name="less", adjusters=("o",)),
    ]


@dataclass(frozen=True, eq=False)
class Fitted:
    """One fit as the attacker sees it: its design and respondents, and what its model publishes of it."""

    name: str
    label: str
    fit: wwm.Fit


class Run:
    """The models of one study on one survey, before and after the filter; `whole` as a run makes them, else fits and messages only."""

    def __init__(self, survey: wwm.Survey, specs: list[ModelSpec], *, whole: bool) -> None:
        every = {"y": {by: wwm.raw(survey, "y", by or None) for by in reported_sets(specs, "y", JOINT)}}
        raws, withheld = withhold(survey, every) if whole else _primary(every)
        self.fits: list[Fitted] = []
        results = [run_model(spec, survey, {}, JOINT, 0.95) if whole else self._quick(spec, survey) for spec in specs]
        if whole:
            for spec in specs:
                self._quick(spec, survey)
        self.survey, self.out = survey, refused_models(specs, results, Article(), raws, withheld, survey)
        told = [silenced(result, self.out.models.get(result.name, "")) for result in results]
        self.open = _stacked(results)
        self.shown = without_withheld(_stacked(told), withheld, self.out.models, self.out.partly)
        self.said, self.would_say = _said(told, self.shown), _said(results, self.open)

    def _quick(self, spec: ModelSpec, survey: wwm.Survey) -> ModelResult:
        """Coefficients and messages of `run_model`, without adjusted percentages and tests."""
        made: list[pd.DataFrame] = [pd.DataFrame(columns=["estimand", "term", "estimate"])]
        said: list[pd.DataFrame] = [failure("", "", "").iloc[:0]]
        for request in requests_of(spec, JOINT):
            try:
                found = wwm.fit(model_of(spec, request), people_of(spec, survey))
            except WwmError as problem:
                said.append(failure(request.label, "failed", str(problem)))
                continue
            self.fits.append(Fitted(spec.name, request.label, found))
            made.append(
                pd.DataFrame(
                    {"estimand": request.label, "term": found.params.index, "estimate": found.params.to_numpy()}
                )
            )
        rows = pd.concat(said[-1:] if len(said) < 2 else said[1:], ignore_index=True)
        return ModelResult(
            spec.name, (), (), pd.concat(made[1:] or made, ignore_index=True), rows, {}, tuple(rows["message"].astype(str))
        )  # fmt: skip


def _primary(raws: dict) -> tuple[dict, Withheld]:
    """`withhold` without what protects the small groups: a weaker filter, and quicker."""
    values: dict[tuple[str, str, str], float] = {}
    kept: dict[str, dict] = {"y": {}}
    for by, found in raws["y"].items():
        small = found.table["n"] < BELOW
        kept["y"][by] = replace(found, table=found.table.assign(estimate=found.table["estimate"].mask(small)))
        for row in found.table[small].to_dict("records"):
            values["y", ";".join(f"{name}={row[name]}" for name in by), str(row["category"])] = float(row["estimate"])
    return kept, Withheld(values, len(values), BELOW)


def _stacked(results: list[ModelResult]) -> dict[str, pd.DataFrame]:
    parts = {
        name: [getattr(one, name).assign(model=one.name) for one in results] for name in ("coefficients", "diagnostics")
    }
    made = {
        name: pd.concat([one for one in every if len(one)] or every, ignore_index=True) for name, every in parts.items()
    }
    return {"adjusted": adjusted_of(results), **made}


def _said(results: list[ModelResult], tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Everything in words: problems, as on the terminal and in the manifest, and messages, as in diagnostics.csv and on the page."""
    return [
        *itertools.chain.from_iterable(one.problems for one in results),
        *tables["diagnostics"]["message"].dropna().astype(str),
    ]


def coefficients(tables: Mapping[str, pd.DataFrame], one: Fitted, digits: int | None) -> Array | None:
    """The printed coefficients of a fit, or None where they are not."""
    table = tables["coefficients"]
    own = table[(table["model"] == one.name) & (table["estimand"] == one.label)]["estimate"].to_numpy(dtype=float)
    if len(own) != len(one.fit.theta) or not np.isfinite(own).all() or not np.allclose(own, one.fit.theta, atol=1e-9):
        return None
    return own if digits is None else np.array([float(f"{value:.{digits}g}") for value in own])


def found_out(one: Fitted, theta: Array, slack: Array, secret: tuple[str, ...]) -> bool:
    """Whether the equations at `theta`, known to within `slack`, leave one table of a secret group, the true one.

    Parameters
    ----------
    one : Fitted
    theta, slack : (p,) arrays
    secret : tuple of str
    """
    patterns = one.fit.cells.patterns
    named = [part.split(" = ") for part in secret]
    if not all(name in patterns for name, _ in named):
        return False
    own = np.logical_and.reduce([patterns[name].to_numpy() == level for name, level in named])
    sets = [own, *((patterns[name] == level).to_numpy() for name in patterns for level in patterns[name].unique())]
    return any(_alone(one, theta, slack, inside, own) for inside in sets if (inside & own).any())


def _alone(one: Fitted, theta: Array, slack: Array, inside: NDArray[np.bool_], own: NDArray[np.bool_]) -> bool:
    """The same by the equations of one level."""
    fit = one.fit
    units, people, weight, truth = _units(fit, inside)
    answers = len(fit.design.order)
    if (gammaln(people + answers) - gammaln(answers) - gammaln(people + 1.0)).sum() / np.log(2.0) > MOST:
        return False
    every = fit.design.linear.array
    sums = null_space(every[~inside].reshape(-1, every.shape[2])) if not inside.all() else np.eye(every.shape[2])
    if not sums.size:
        return False
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    scores = likelihood.cell_scores(theta).reshape(len(fit.cells.weights), answers, -1)
    chance = np.exp(fit.family.log_probabilities(every @ theta, fit.link))
    parts = weight[:, None, None] * (scores[units] @ sums)
    information = np.einsum("u,uk,ukr,ukp->rp", people, chance[units], parts, scores[units])
    wide = np.abs(information) @ slack + TIED * np.abs(parts).max()
    counts, place = _tables(people, parts, wide)
    if not len(counts):
        return False
    secret = np.flatnonzero(own[units])
    left = np.unique(np.stack([counts[:, place[u]] for u in secret]).sum(axis=0), axis=0)
    return len(left) == 1 and np.array_equal(left[0], truth[secret].sum(axis=0))


def _units(fit: wwm.Fit, inside: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Array, Array, Array]:
    """Respondents who are alike to the attacker: pattern, how many, their weight, and (secretly) their answers."""
    rows = np.flatnonzero(np.append(inside, False)[fit.cells.row_pattern])
    key = pd.DataFrame({"p": fit.cells.row_pattern[rows], "w": fit.cells.row_weight[rows].round(12)})
    number = key.groupby(["p", "w"], sort=False).ngroup().to_numpy()
    first = key.drop_duplicates(ignore_index=True)
    answers = len(fit.design.order)
    rank = np.argsort(fit.design.order)[np.searchsorted(np.sort(fit.design.order), fit.cells.row_category[rows])]
    truth = np.bincount(number * answers + rank, minlength=len(first) * answers).reshape(-1, answers)
    return first["p"].to_numpy(dtype=np.intp), truth.sum(axis=1).astype(float), first["w"].to_numpy(), truth


def _tables(people: Array, parts: Array, wide: Array) -> tuple[NDArray[np.int64], list]:
    """All tables whose sums are within `wide` of zero: (tables, units, answers)."""
    sums, chosen = np.zeros((1, parts.shape[2])), np.zeros((1, 0), dtype=np.int16)
    choices = [_compositions(int(count), parts.shape[1]) for count in people]
    reach = [np.einsum("ck,kr->cr", each, part) for each, part in zip(choices, parts, strict=True)]
    least = np.array([one.min(axis=0) for one in reach])
    most = np.array([one.max(axis=0) for one in reach])
    for u, value in enumerate(reach):
        low, high = least[u + 1 :].sum(axis=0), most[u + 1 :].sum(axis=0)
        every = sums[:, None, :] + value[None, :, :]
        keep = ((every + low <= wide) & (every + high >= -wide)).all(axis=2)
        before, now = np.nonzero(keep)
        sums, chosen = every[before, now], np.column_stack([chosen[before], now.astype(np.int16)])
    tables = (
        np.stack([choices[u][chosen[:, u]] for u in range(len(people))], axis=1) if len(people) else np.zeros((0, 0, 0))
    )
    return tables, list(range(len(people)))


def _compositions(people: int, answers: int) -> NDArray[np.int64]:
    """(choices, answers): all ways in which so many respondents can answer."""
    bars = np.array(list(itertools.combinations(range(people + answers - 1), answers - 1)), dtype=np.int64).reshape(
        -1, answers - 1
    )
    ends = np.full((len(bars), 1), people + answers - 1)
    return np.diff(np.column_stack([np.full((len(bars), 1), -1), bars, ends]), axis=1) - 1


def reproduced(tables: Mapping[str, pd.DataFrame], one: Fitted) -> Array | None:
    """Coefficients that reproduce the published adjusted percentages of a fit, or None where these do not fix them."""
    rows = tables["adjusted"]
    rows = rows[(rows["model"] == one.name) & rows["estimate"].notna() & rows["by"].isin([*map(";".join, MARGINS), ""])]
    wanted = "total" if one.label.startswith("total") else ""
    rows = rows[rows["estimand"].astype(str).str.startswith("total:") == bool(wanted)]
    variables = one.fit.cells.patterns
    rows = rows[[all(name in variables for name in str(by).split(";") if name) for by in rows["by"]]]
    if len(rows) < len(one.fit.theta):
        return None
    weights = one.fit.cells.weights.sum(axis=1)
    weights = weights / weights.sum()
    order = [one.fit.cells.categories[k] for k in one.fit.design.order]
    groups = [(str(group), part) for group, part in rows.groupby("group", sort=False)]
    designs = [one.fit.design.build(_set_to(variables, group)).array for group, _ in groups]
    target = np.concatenate(
        [part.set_index("category").reindex(order)["estimate"].to_numpy(dtype=float) for _, part in groups]
    )

    def gap(theta: Array) -> Array:
        with np.errstate(all="ignore"):
            made = [
                weights @ np.exp(one.fit.family.log_probabilities(design @ theta, one.fit.link)) for design in designs
            ]
        return np.nan_to_num(np.concatenate(made) - target, nan=1.0, posinf=1.0, neginf=-1.0)

    start = np.where(one.fit.design.is_cut, np.linspace(-1.0, 1.0, len(one.fit.theta)), 0.0)
    found = least_squares(gap, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=60)
    known = np.linalg.matrix_rank(found.jac, tol=1e-7) == len(start) and np.abs(found.fun).max() < 1e-9
    return found.x if known else None


def _set_to(patterns: pd.DataFrame, group: str) -> dict:
    made = {name: patterns[name].array for name in patterns}
    for part in group.split(";") if group and group != "nan" else ():
        name, level = part.split("=", 1)
        made[name] = pd.Categorical.from_codes(
            np.full(len(patterns), list(patterns[name].cat.categories).index(level)), patterns[name].cat.categories
        )
    return made


def names_an_answer(messages: list[str], secret: tuple[str, ...], answers: list[str]) -> int:
    """Sentences that hold the levels of a secret and an answer."""
    levels = [part.split(" = ")[1] for part in secret]
    return sum(
        all(re.search(rf"\b{level}\b", text) for level in levels)
        and any(re.search(rf"\b{answer}\b", text) for answer in answers)
        for message in messages
        for text in re.split(r"(?<=\.) |; ", message)
    )


def hunt(seed: int, *, whole: bool = False, twice: bool = False) -> Hunt:
    """The attack on one random survey.

    Parameters
    ----------
    seed : int
    whole : bool
        Whether models are made as a run makes them, so that adjusted percentages are attacked and all messages searched too.
    twice : bool
        Whether a second run, with another adjuster, is held against the first.
    """
    rng = np.random.default_rng([13, seed])
    survey, secrets = respondents(rng)
    here, there = declared(rng)
    run = Run(survey, here, whole=whole)
    answers = [str(level) for level in survey.frame["y"].cat.categories]
    caught = np.sum([_caught(run, secret) for secret in secrets], axis=0).tolist()
    solved = (
        [sum(_any_adjusted(run, tables, secret) for secret in secrets) for tables in (run.shown, run.open)]
        if whole
        else [0, 0]
    )
    named = [sum(names_an_answer(said, secret, answers) for secret in secrets) for said in (run.said, run.would_say)]
    pairs = untold = 0
    if twice:
        second = Run(survey, there, whole=False)
        pairs = _subtracted(run, second)
        untold = pairs * (not models_together(run.out.shown, second.out.shown, {}, BELOW))
    published = len([spec for spec in here if spec.name not in run.out.models])
    return Hunt(
        1, len(secrets), len(here), published, *caught[:2], solved[0], *caught[2:], solved[1], *named, pairs, untold
    )


def hunt_of_seed(seed: int) -> Hunt:
    """The attack on one random survey of the benchmark."""
    return hunt(seed, whole=seed % 25 == 0, twice=seed % 4 == 0)


def report(surveys: int, jobs: int = 1) -> str:
    """The committed figure."""
    start = time.process_time()
    one = total(wwm.run_many(hunt_of_seed, range(surveys), jobs=jobs))
    return (
        "## Whole numbers against models, messages and pairs of runs\n\n"
        f"{one.surveys:,} random surveys of 30 to 500 respondents, unweighted, post-stratified or with weights of their own, all known to the attacker; "
        f"{one.secrets:,} groups of 2 to 9 respondents: a level of an exposure in each, and a level of an adjuster or a combination of two exposures. Three "
        "models of each with an adjuster (cumulative logit and probit, multinomial, adjacent, stopping), one of them with an interaction.\n\n"
        "| | if everything were published | published |\n|---|---|---|\n"
        f"| models | {one.models:,} | {one.published:,} |\n"
        f"| groups found from coefficients, all digits of the csv | {one.open:,} | **{one.found:,}** |\n"
        f"| groups found from coefficients at {PAGE} digits | {one.open_page:,} | **{one.found_page:,}** |\n"
        f"| groups found from adjusted percentages (every 25th survey) | {one.open_adjusted:,} | **{one.found_adjusted:,}** |\n"
        f"| messages that name an answer of a group | {one.open_named:,} | **{one.named:,}** |\n"
        f"| pairs of runs of which subtraction tells fewer than {BELOW} (every 4th survey) | | {one.together:,} |\n"
        f"| of these not told by `wwm verify --against` | | **{one.untold:,}** |\n\n"
        "A group counts as found where one table of whole numbers is left and it is the true one. A group with more than two million tables, or whose models "
        "have no maximum, is not found even if everything is published.\n\n"
        f"{time.process_time() - start:,.0f} processor seconds.\n"
    )


def _caught(run: Run, secret: tuple[str, ...]) -> list[bool]:
    """Whether coefficients tell a secret: published, at all digits and at a page's; then if everything were published."""
    found = np.zeros((2, 2), dtype=bool)
    for place, digits in enumerate((None, PAGE)):
        for one in run.fits:
            theta = coefficients(run.open, one, digits)
            if theta is None:
                continue
            last = (
                np.zeros(len(theta))
                if digits is None
                else 0.5 * 10.0 ** (np.floor(np.log10(np.abs(theta) + 1e-300)) - digits + 1)
            )
            if found_out(one, theta, last, secret):
                found[1, place] = True
                found[0, place] |= coefficients(run.shown, one, digits) is not None
    return found.ravel().tolist()


def _any_adjusted(run: Run, tables: Mapping[str, pd.DataFrame], secret: tuple[str, ...]) -> bool:
    for one in run.fits:
        theta = reproduced(tables, one)
        if theta is not None and found_out(one, theta, np.full(len(theta), 1e-7), secret):
            return True
    return False


def _subtracted(run: Run, second: Run) -> int:
    """Whether two runs publish equations of levels of g and of o that differ by fewer than the threshold."""
    shown = [
        {name for fits in one.out.shown.values() for fit in fits.values() for name in fit["levels"]}
        for one in (run, second)
    ]
    frame = run.survey.frame
    return int(
        any(
            f"g = {g}" in shown[0]
            and f"o = {o}" in shown[1]
            and 0 < ((frame["g"] == g) != (frame["o"] == o)).sum() < BELOW
            for g in frame["g"].cat.categories
            for o in frame["o"].cat.categories
        )
    )
