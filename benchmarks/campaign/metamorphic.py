"""Pairs that must agree: the same question asked of the same people in two ways, on random surveys.

A relation takes a random survey and gives two arrays and the largest difference there may be. Nothing is stored: each is a law.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm
from benchmarks.campaign.judged import ACCEPTED, CLEAR, RIGHT, WRONG, Judged, ended
from wwm_models.errors import FitError

Array = NDArray[np.float64]
EXACT, CLOSE, LOOSE = 1e-9, 1e-6, 1e-4
FAMILIES = (
    ("cumulative", "logit"),
    ("cumulative", "probit"),
    ("adjacent", "logit"),
    ("multinomial", "logit"),
    ("stopping", "cloglog"),
    ("continuation", "logit"),
)
Pair = tuple[object, object, float]


@dataclass(frozen=True)
class Case:
    """A random survey: its frame, how it is declared, and a family."""

    frame: pd.DataFrame
    weight: str | None
    design: dict[str, object]
    family: str
    link: str
    rng: np.random.Generator

    def survey(self, frame: pd.DataFrame | None = None, **more: object) -> wwm.Survey:
        """The survey, or another frame declared in the same way."""
        return wwm.Survey.from_frame(
            self.frame if frame is None else frame, **{"weight": self.weight, **self.design, **more}
        )  # type: ignore[arg-type]

    def model(self, formula: str = "y ~ a + h", **more: object) -> wwm.Model:
        """A model of the case's family."""
        return wwm.Model(formula, family=self.family, link=self.link, **more)  # type: ignore[arg-type]

    def fit(self, formula: str = "y ~ a + h", survey: wwm.Survey | None = None, **more: object) -> wwm.Fit:
        """A fit to the survey."""
        return wwm.fit(self.model(formula, **more), self.survey() if survey is None else survey)


def case(seed: int, relation: str) -> Case:
    """120 to 400 respondents with two groups, two questions, a number, weights, strata and units."""
    rng = np.random.default_rng([seed, *relation.encode()])
    n, answers = int(rng.integers(120, 400)), int(rng.integers(2, 5))
    a, h, unit = rng.integers(0, 3, n), rng.integers(0, 2, n), rng.integers(0, 24, n)
    x = np.round(rng.normal(size=n), 2)
    latent = 0.5 * a - 0.4 * h + 0.3 * x + 0.3 * rng.normal(size=24)[unit] + rng.logistic(size=n)
    cuts = np.quantile(latent, np.linspace(0, 1, answers + 1)[1:-1])
    names = [f"k{place}" for place in range(answers)]

    def ordered(codes: NDArray[np.intp]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, names, ordered=True)

    frame = pd.DataFrame(
        {
            "y": ordered(np.searchsorted(cuts, latent)), "z": ordered(np.searchsorted(cuts, latent + rng.logistic(size=n))),
            "a": pd.Categorical.from_codes(a, ["a0", "a1", "a2"]), "h": pd.Categorical.from_codes(h, ["h0", "h1"]), "x": x,
            "w": np.round(rng.gamma(8.0, 0.125, n) + 0.05, 3), "f": rng.integers(1, 4, n), "s": unit // 6, "p": unit, "one": 1.0,
        }
    )  # fmt: skip
    family, link = FAMILIES[int(rng.integers(len(FAMILIES)))]
    weight = [None, "w", "w"][int(rng.integers(3))]
    design: dict[str, object] = [{}, {"strata": "s", "psu": "p"}, {"psu": "p"}][int(rng.integers(3))]
    return Case(frame, weight, design, family, link, rng)


RELATIONS: dict[str, Callable[[Case], Pair]] = {}


def relation(function: Callable[[Case], Pair]) -> Callable[[Case], Pair]:
    """Register a relation by its name."""
    RELATIONS[function.__name__.replace("_", " ")] = function
    return function


def numbers(estimates: wwm.Estimates) -> Array:
    """Estimates and standard errors, limits too."""
    return estimates.table[["estimate", "std_error", "lower", "upper"]].to_numpy(dtype=float)


def keyed(estimates: wwm.Estimates, *names: str, columns: tuple[str, ...] = ("estimate", "std_error")) -> Array:
    """Numbers in the order of the texts of their keys."""
    table = estimates.table
    order = np.lexsort([table[name].astype(str).to_numpy() for name in (*names, "category")])
    return table[list(columns)].to_numpy(dtype=float)[order]


def raws(survey: wwm.Survey) -> Array:
    """Raw numbers of y by a."""
    return keyed(wwm.raw(survey, "y", "a"), "a")


def adjusteds(fit: wwm.Fit) -> Array:
    """Adjusted numbers by a."""
    return keyed(wwm.adjusted(fit, "a"), "a")


# ---- who stands where ----
@relation
def raw_of_rows_in_another_order(c: Case) -> Pair:
    return raws(c.survey()), raws(c.survey(c.frame.sample(frac=1, random_state=1))), EXACT


@relation
def adjusted_of_rows_in_another_order(c: Case) -> Pair:
    return adjusteds(c.fit()), adjusteds(c.fit(survey=c.survey(c.frame.sample(frac=1, random_state=1)))), CLOSE


@relation
def columns_nobody_asks_for(c: Case) -> Pair:
    return raws(c.survey()), raws(c.survey(c.frame.assign(extra="<b>", count=1))), EXACT


@relation
def an_index_of_another_kind(c: Case) -> Pair:
    return raws(c.survey()), raws(c.survey(c.frame.set_axis([f"r{i}" for i in range(len(c.frame))]))), EXACT


@relation
def a_domain_given_as_series_or_array(c: Case) -> Pair:
    moved = c.frame.sample(frac=1, random_state=2)
    return (
        raws(c.survey(moved, domain=(moved["h"] == "h0"))),
        raws(c.survey(moved, domain=(moved["h"] == "h0").to_numpy())),
        EXACT,
    )


@relation
def a_domain_in_another_order(c: Case) -> Pair:
    inside = c.frame["h"] == "h0"
    return raws(c.survey(domain=inside)), raws(c.survey(domain=inside.sample(frac=1, random_state=3))), EXACT


# ---- weights ----
@relation
def weights_of_another_scale(c: Case) -> Pair:
    return raws(c.survey(weight="w")), raws(c.survey(c.frame.assign(w=c.frame["w"] * 1000), weight="w")), EXACT


@relation
def fit_with_weights_of_another_scale(c: Case) -> Pair:
    one, two = (
        c.fit(survey=c.survey(weight="w")),
        c.fit(survey=c.survey(c.frame.assign(w=c.frame["w"] / 7), weight="w")),
    )
    return np.r_[one.params, one.std_errors], np.r_[two.params, two.std_errors], CLOSE


@relation
def frequencies_written_out(c: Case) -> Pair:
    out = c.frame.loc[c.frame.index.repeat(c.frame["f"])]
    one = wwm.Survey.from_frame(c.frame, weight="f", weight_kind="frequency")
    return raws(one), raws(wwm.Survey.from_frame(out, weight=None)), EXACT


@relation
def fit_of_frequencies_written_out(c: Case) -> Pair:
    out = c.frame.loc[c.frame.index.repeat(c.frame["f"])]
    one = wwm.Survey.from_frame(c.frame, weight="f", weight_kind="frequency")
    return adjusteds(c.fit(survey=one)), adjusteds(c.fit(survey=wwm.Survey.from_frame(out, weight=None))), CLOSE


@relation
def frequencies_raked_and_written_out(c: Case) -> Pair:
    out = c.frame.loc[c.frame.index.repeat(c.frame["f"])]
    one = wwm.Survey.from_frame(c.frame, weight="f", weight_kind="frequency")
    aims = {"h": {"h0": 60.0, "h1": 40.0}}
    return raws(wwm.rake(one, aims)), raws(wwm.rake(wwm.Survey.from_frame(out, weight=None), aims)), CLOSE


@relation
def mean_of_frequencies_written_out(c: Case) -> Pair:
    out = c.frame.loc[c.frame.index.repeat(c.frame["f"])]
    one = wwm.Survey.from_frame(c.frame, weight="f", weight_kind="frequency")
    columns = ["estimate", "std_error", "n"]
    return (
        wwm.mean(one, "x", "a").table[columns].to_numpy(),
        wwm.mean(wwm.Survey.from_frame(out, weight=None), "x", "a").table[columns].to_numpy(),
        EXACT,
    )


@relation
def equal_weights_and_none(c: Case) -> Pair:
    return raws(c.survey(weight="one")), raws(c.survey(weight=None)), EXACT


@relation
def raking_to_what_is_so_already(c: Case) -> Pair:
    survey = c.survey()
    sums = pd.Series(survey.weights).groupby(c.frame["a"], observed=True).sum()
    return wwm.rake(survey, {"a": sums.to_dict()}).weights, survey.weights, CLOSE


@relation
def raking_in_another_order_of_margins(c: Case) -> Pair:
    one = wwm.rake(
        c.survey(), {"a": {"a0": 30.0, "a1": 30.0, "a2": 40.0}, "h": {"h0": 55.0, "h1": 45.0}}, tolerance=1e-12
    )
    two = wwm.rake(
        c.survey(), {"h": {"h0": 55.0, "h1": 45.0}, "a": {"a0": 30.0, "a1": 30.0, "a2": 40.0}}, tolerance=1e-12
    )
    return raws(one), raws(two), CLOSE


@relation
def poststratifying_is_raking_to_one_margin(c: Case) -> Pair:
    aims = {"a0": 30.0, "a1": 30.0, "a2": 40.0}
    return raws(wwm.rake(c.survey(), {"a": aims})), raws(wwm.poststratify(c.survey(), "a", aims)), CLOSE


@relation
def poststratifying_twice_to_the_same(c: Case) -> Pair:
    aims = {"a0": 30.0, "a1": 30.0, "a2": 40.0}
    once = wwm.poststratify(c.survey(), "a", aims)
    return raws(once), raws(wwm.poststratify(once, "a", aims)), CLOSE


@relation
def poststratified_shares_have_no_error(c: Case) -> Pair:
    done = wwm.poststratify(c.survey(), "h", {"h0": 60.0, "h1": 40.0})
    return keyed(wwm.raw(done, "h")), [[0.6, 0.0], [0.4, 0.0]], CLOSE


@relation
def a_calibrated_domain_and_missing_answers(c: Case) -> Pair:
    inside = (c.frame["x"] > -0.5).to_numpy()
    aims = {"h0": 60.0, "h1": 40.0}
    domain = replace(wwm.poststratify(c.survey(), "h", aims), domain=inside)
    gone = wwm.poststratify(c.survey(c.frame.assign(y=c.frame["y"].where(inside))), "h", aims)
    return raws(domain), raws(gone), EXACT


@relation
def a_share_in_a_calibrated_domain_is_the_mean_of_an_indicator(c: Case) -> Pair:
    frame = c.frame.assign(is_low=(c.frame["y"] == "k0").astype(float))
    done = wwm.poststratify(c.survey(frame, domain=frame["x"] > -0.5), "h", {"h0": 60.0, "h1": 40.0})
    low = wwm.raw(done, "y", "a").table.query("category == 'k0'")
    return (
        low[["estimate", "std_error"]].to_numpy(),
        wwm.mean(done, "is_low", "a").table[["estimate", "std_error"]].to_numpy(),
        EXACT,
    )


# ---- design ----
@relation
def names_of_strata_and_units(c: Case) -> Pair:
    named = c.frame.assign(
        s=c.frame["s"].map(lambda v: f"stratum {9 - v}"), p=c.frame["p"].map(lambda v: f"u{v * 7 % 24}")
    )
    return raws(c.survey(strata="s", psu="p")), raws(c.survey(named, strata="s", psu="p")), EXACT


@relation
def respondents_as_units_and_no_design(c: Case) -> Pair:
    own = c.frame.assign(own=np.arange(len(c.frame)))
    one, two = wwm.Survey.from_frame(own, weight="w", psu="own"), wwm.Survey.from_frame(own, weight="w")
    return keyed(wwm.raw(one, "y", "a"), "a"), keyed(wwm.raw(two, "y", "a"), "a"), EXACT


@relation
def one_stratum_and_none(c: Case) -> Pair:
    return (
        raws(wwm.Survey.from_frame(c.frame, weight="w", strata="one", psu="p")),
        raws(wwm.Survey.from_frame(c.frame, weight="w", psu="p")),
        EXACT,
    )


@relation
def a_very_large_population_and_none(c: Case) -> Pair:
    big = c.frame.assign(N=1e12)
    return (
        raws(wwm.Survey.from_frame(big, weight="w", strata="s", psu="p", fpc="N")),
        raws(wwm.Survey.from_frame(big, weight="w", strata="s", psu="p")),
        CLOSE,
    )


@relation
def a_census_has_no_error(c: Case) -> Pair:
    units = c.frame.groupby("s")["p"].transform("nunique").astype(float)
    survey = wwm.Survey.from_frame(c.frame.assign(N=units), weight="w", strata="s", psu="p", fpc="N")
    return wwm.mean(survey, "x").table["std_error"].to_numpy(), [0.0], CLOSE


@relation
def jackknife_of_a_total(c: Case) -> Pair:
    survey = wwm.Survey.from_frame(c.frame, weight="w", strata="s", psu="p")
    return (
        wwm.total(survey, "x").table["std_error"],
        wwm.total(wwm.replicates(survey, "JKn"), "x").table["std_error"],
        CLOSE,
    )


@relation
def rows_outside_keep_units(c: Case) -> Pair:
    outside = pd.concat([c.frame, c.frame.head(20).assign(a="a0", w=5.0)], ignore_index=True).astype(
        {"a": c.frame["a"].dtype}
    )
    inside = np.arange(len(outside)) < len(c.frame)
    one = wwm.Survey.from_frame(outside, weight="w", strata="s", psu="p", domain=inside)
    return raws(one), raws(wwm.Survey.from_frame(c.frame, weight="w", strata="s", psu="p")), EXACT


# ---- raw and what is made of it ----
@relation
def shares_add_to_one(c: Case) -> Pair:
    table = wwm.raw(c.survey(), "y", "a").table
    return table.groupby("a", observed=True)["estimate"].sum(), np.ones(3), EXACT


@relation
def a_collapse_is_the_sum_of_its_answers(c: Case) -> Pair:
    table = wwm.raw(c.survey(), "y", "a", collapses={"low": ("k0", "k1")}).table.set_index("category")["estimate"]
    return table["low"], table["k0"].to_numpy() + table["k1"].to_numpy(), EXACT


@relation
def everything_collapsed_is_certain(c: Case) -> Pair:
    table = wwm.raw(c.survey(), "y", collapses={"all": tuple(c.frame["y"].cat.categories)}).table
    return table.loc[table["category"] == "all", "estimate"], [1.0], EXACT


@relation
def a_share_is_the_mean_of_an_indicator(c: Case) -> Pair:
    survey = c.survey(c.frame.assign(is_low=(c.frame["y"] == "k0").astype(float)))
    low = wwm.raw(survey, "y", "a").table.query("category == 'k0'")
    return (
        low[["estimate", "std_error"]].to_numpy(),
        wwm.mean(survey, "is_low", "a").table[["estimate", "std_error"]].to_numpy(),
        EXACT,
    )


@relation
def groups_in_another_order_of_names(c: Case) -> Pair:
    one, two = wwm.raw(c.survey(), "y", ["a", "h"]), wwm.raw(c.survey(), "y", ["h", "a"])
    return keyed(one, "a", "h"), keyed(two, "a", "h"), EXACT


@relation
def change_and_its_opposite(c: Case) -> Pair:
    one, two = wwm.change(c.survey(), "y", "z", "a"), wwm.change(c.survey(), "z", "y", "a")
    signs = np.array([-1.0, 1.0])
    return (
        one.table[["estimate", "std_error"]].to_numpy(),
        two.table[["estimate", "std_error"]].to_numpy() * signs,
        EXACT,
    )


@relation
def a_change_between_is_the_change(c: Case) -> Pair:
    survey = c.survey()
    between = wwm.change_between(wwm.raw(survey, "y", "a"), wwm.raw(survey, "z", "a"))
    return keyed(between, "a"), keyed(wwm.change(survey, "y", "z", "a"), "a"), CLOSE


@relation
def two_surveys_of_one_size_are_not_paired(c: Case) -> Pair:
    other = c.survey(c.frame.sample(frac=1, replace=True, random_state=4).sort_values("y"))
    one, two = wwm.raw(c.survey(c.frame.sort_values("y")), "y"), wwm.raw(other, "y")
    apart = np.sqrt(one.table["std_error"] ** 2 + two.table["std_error"] ** 2)
    return wwm.change_between(one, two).table["std_error"], apart, EXACT


# ---- models ----
@relation
def saturated_adjusted_is_raw(c: Case) -> Pair:
    survey = c.survey()
    fit = wwm.fit(wwm.Model("y ~ a", family="multinomial"), survey)
    return adjusteds(fit), raws(survey), LOOSE


@relation
def two_answers_make_all_logit_families_one(c: Case) -> Pair:
    two = c.frame.assign(y=pd.Categorical(np.where(c.frame["y"] == "k0", "no", "yes"), ["no", "yes"], ordered=True))
    survey = c.survey(two)
    first, second = (wwm.fit(wwm.Model("y ~ a + h", family=family), survey) for family in ("cumulative", "multinomial"))
    return adjusteds(first), adjusteds(second), LOOSE


@relation
def terms_in_another_order(c: Case) -> Pair:
    return adjusteds(c.fit("y ~ a + h + x")), adjusteds(c.fit("y ~ x + h + a")), CLOSE


@relation
def another_reference_level(c: Case) -> Pair:
    moved = c.frame.assign(a=c.frame["a"].cat.reorder_categories(["a2", "a0", "a1"]))
    return adjusteds(c.fit()), adjusteds(c.fit(survey=c.survey(moved))), CLOSE


@relation
def another_baseline(c: Case) -> Pair:
    survey, last = c.survey(), str(c.frame["y"].cat.categories[-1])
    one, two = (
        wwm.fit(wwm.Model("y ~ a + h", family="multinomial", baseline=baseline), survey) for baseline in (None, last)
    )
    return adjusteds(one), adjusteds(two), CLOSE


@relation
def labels_of_other_kinds(c: Case) -> Pair:
    moved = c.frame.assign(a=c.frame["a"].cat.rename_categories({"a0": "<b>", "a1": "=1+1", "a2": 'é"'}))
    one = wwm.adjusted(c.fit(), "a").table["estimate"]
    return one, wwm.adjusted(c.fit(survey=c.survey(moved)), "a").table["estimate"], CLOSE


@relation
def a_number_in_other_units(c: Case) -> Pair:
    return (
        adjusteds(c.fit("y ~ a + x")),
        adjusteds(c.fit("y ~ a + x", c.survey(c.frame.assign(x=100 * c.frame["x"] + 7)))),
        CLOSE,
    )


@relation
def slopes_in_other_units(c: Case) -> Pair:
    one = wwm.slopes(c.fit("y ~ a + x"), "x").table[["estimate", "std_error"]].to_numpy()
    two = (
        wwm.slopes(c.fit("y ~ a + x", c.survey(c.frame.assign(x=10 * c.frame["x"]))), "x")
        .table[["estimate", "std_error"]]
        .to_numpy()
    )
    return one, 10 * two, LOOSE


@relation
def contrasts_are_differences_of_adjusted(c: Case) -> Pair:
    fit = c.fit()
    adj = wwm.adjusted(fit, "a").table.set_index("a")["estimate"]
    con = wwm.contrasts(fit, "a", reference="a0").table
    return (
        np.sort(con["estimate"]),
        np.sort(np.r_[adj["a1"].to_numpy() - adj["a0"].to_numpy(), adj["a2"].to_numpy() - adj["a0"].to_numpy()]),
        EXACT,
    )


@relation
def adjusted_adds_to_one(c: Case) -> Pair:
    return wwm.adjusted(c.fit("y ~ a * h"), "a").table.groupby("a", observed=True)["estimate"].sum(), np.ones(3), EXACT


@relation
def the_sample_as_declared_population(c: Case) -> Pair:
    fit, survey = c.fit(), c.survey()
    one = wwm.adjusted(fit, "a", covariates="fixed").table["estimate"]
    return one, wwm.adjusted(fit, "a", over=survey, covariates="fixed").table["estimate"], CLOSE


@relation
def superiority_both_ways(c: Case) -> Pair:
    if c.family == "multinomial":
        return 0.0, 0.0, EXACT
    moved = c.frame.assign(h=c.frame["h"].cat.reorder_categories(["h1", "h0"]))
    one = wwm.superiority(c.fit(), "h").table["estimate"].to_numpy()
    return one, 1.0 - wwm.superiority(c.fit(survey=c.survey(moved)), "h").table["estimate"].to_numpy(), CLOSE


@relation
def the_covariance_of_adjusted_is_its_errors(c: Case) -> Pair:
    adj = wwm.adjusted(c.fit(), "a")
    return np.sqrt(np.maximum(np.diag(adj.covariance), 0)), adj.table["std_error"], EXACT


@relation
def a_nested_level_widens(c: Case) -> Pair:
    narrow, wide = (wwm.raw(c.survey(), "y", "a", level=level).table for level in (0.8, 0.95))
    inside = (wide["lower"] <= narrow["lower"] + 1e-12) & (wide["upper"] >= narrow["upper"] - 1e-12)
    return inside.astype(float), np.ones(len(inside)), EXACT


@relation
def patterns_written_out(c: Case) -> Pair:
    """Predictions for people are the adjusted numbers of a population of one."""
    fit = c.fit()
    people = pd.DataFrame(
        {
            "a": pd.Categorical(["a1"], c.frame["a"].cat.categories),
            "h": pd.Categorical(["h0"], c.frame["h"].cat.categories),
        }
    )
    one = wwm.predict(fit, people)
    table = one.table if hasattr(one, "table") else one
    joint = wwm.adjusted(fit, ["a", "h"]).table.query("a == 'a1' and h == 'h0'")["estimate"]
    return (
        np.asarray(table.select_dtypes("number").to_numpy(dtype=float)).ravel()[: len(joint)]
        if "estimate" not in table
        else table["estimate"],
        joint,
        CLOSE,
    )


# ---- files ----
def _book(c: Case, **kinds: str) -> str:
    """A codebook of some columns, their levels as they stand."""
    lines = ['[survey]\nweight = "w"\naccept_extreme_weights = true\n']
    for name, kind in kinds.items():
        levels = ", ".join(f'{{ id = "{level}" }}' for level in c.frame[name].cat.categories)
        lines.append(f'[variables.{name}]\ncolumn = "{name}"\nkind = "{kind}"\nlevels = [{levels}]\n')
    return "".join(lines)


@relation
def one_survey_in_two_formats(c: Case) -> Pair:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "codebook.toml").write_text(_book(c, y="ordered"), encoding="utf-8")
        plain = c.frame[["y", "w"]].astype({"y": str})
        plain.to_csv(home / "a.csv", index=False)
        plain.to_parquet(home / "a.parquet")
        one, two = (
            wwm.raw(wwm.read_survey(home / name, home / "codebook.toml"), "y") for name in ("a.csv", "a.parquet")
        )
    return numbers(one), numbers(two), EXACT


@relation
def counted_and_read(c: Case) -> Pair:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "codebook.toml").write_text(_book(c, y="ordered", a="nominal"), encoding="utf-8")
        c.frame[["y", "a", "w"]].astype({"y": str, "a": str}).to_csv(home / "a.csv", index=False)
        one = wwm.read_survey(home / "a.csv", home / "codebook.toml")
        two = wwm.read_counts(home / "a.csv", home / "codebook.toml", ["y", "a"])
    return raws(one), raws(two), EXACT


def _compared(law: Callable[[Case], Pair], seed: int, name: str) -> str:
    try:
        one, two, limit = law(case(seed, name))
    except FitError:  # a survey that separates has no estimate to compare
        return CLEAR
    left, right = np.asarray(one, dtype=float), np.asarray(two, dtype=float)
    if left.size == 0:
        return ACCEPTED
    np.testing.assert_allclose(left.ravel(), right.ravel(), rtol=limit, atol=limit)
    return RIGHT


def run(judged: Judged, count: int, seed: int) -> None:
    """Judge `count` pairs, the relations in turn."""
    names = list(RELATIONS)
    for number in range(count):
        name = names[number % len(names)]
        column, what = ended(lambda name=name, own=seed * 100_000 + number: _compared(RELATIONS[name], own, name))
        if column == "traceback" and "AssertionError" in what:
            column = WRONG
        judged.add("pairs", name, column, f"case {seed * 100_000 + number}: {what}")
