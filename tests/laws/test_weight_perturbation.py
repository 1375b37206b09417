"""Every standard error is that of the whole procedure: more weight on a respondent, calibration and estimate done again.

The infinitesimal jackknife: with t(w) the estimate after everything that is done to the weights w, respondent i contributes
``w_i dt/dw_i``, found here by central differences; the variance of a design follows from these numbers alone, by a formula of this file.
Replicates are held to the procedure done again with the weights of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import designs

import wwm_models as wwm
from wwm_models.errors import SurveyError

Array = np.ndarray[Any, np.dtype[np.float64]]
N = 48
STEP = 1e-3  # of a weight: central differences err by its square
MODEL = wwm.Model("y ~ g + x")

DESIGNS: dict[str, dict[str, Any]] = {
    "respondents": {},
    "strata and sizes": {"strata": "h", "fpc": "people"},
    "units": {"strata": "h", "psu": "unit"},
    "units and sizes": {"strata": "h", "psu": "unit", "fpc": "units"},
    "two stages": {"strata": "h", "psu": ["unit", "row"], "fpc": ["units", "members"]},
    "three stages": {
        "strata": "h",
        "psu": ["unit", "house", "row"],
        "fpc": ["units", "houses", "half"],
        "lonely": "certainty",
    },
}
POST, LATER, LINE = {"c": {"u": 60.0, "v": 40.0}}, {"e": {"a": 45.0, "b": 55.0}}, {"(Intercept)": 100.0, "k": 52.0}
CALIBRATIONS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "none": (),
    "post-stratified": (POST,),
    "linear": (LINE,),
    "post-stratified twice": (POST, LATER),
    "linear, then post-stratified": (LINE, POST),
    "three times": (POST, LINE, LATER),
}
ROWS = ("all", "domain", "missing", "both")


def columns_of(frame: pd.DataFrame, totals: Mapping[str, Any]) -> tuple[Array, Array]:
    """Calibration columns and their totals: one, a number, or a level."""
    columns: list[Any] = []
    aims: list[float] = []
    for name, aim in totals.items():
        if isinstance(aim, Mapping):
            columns += [frame[name] == level for level in aim]
            aims += list(aim.values())
        else:
            columns.append(np.ones(len(frame)) if name == "(Intercept)" else frame[name])
            aims.append(aim)
    return np.column_stack(columns).astype(float), np.array(aims)


@dataclass(frozen=True, eq=False)
class Case:
    """A frame and how it was sampled, calibrated and cut down."""

    frame: pd.DataFrame
    design: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    domain: Array | None

    def calibrated(self, survey: wwm.Survey) -> wwm.Survey:
        for totals in self.steps:
            numbers = "(Intercept)" in totals
            survey = wwm.calibrate(survey, totals) if numbers else wwm.rake(survey, totals)
        return survey

    def survey(self, weights: Array) -> wwm.Survey:
        frame = self.frame.assign(w=weights)
        return self.calibrated(wwm.Survey.from_frame(frame, weight="w", domain=self.domain, **self.design))

    def final(self, weights: Array) -> Array:
        """The calibrated weights, by their formula: a step multiplies by 1 + x'b, b such that the totals are met."""
        for totals in self.steps:
            x, aims = columns_of(self.frame, totals)
            weights = weights * (1.0 + x @ np.linalg.solve((x * weights[:, None]).T @ x, aims - x.T @ weights))
        return weights

    @property
    def inside(self) -> Array:
        return np.ones(N, dtype=bool) if self.domain is None else self.domain


def respondents(seed: int) -> pd.DataFrame:
    """Two strata of four units of six respondents, in houses of three; units differ."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(8), N // 8)
    effect = rng.normal(0.0, 0.4, 8)[unit]
    x = rng.normal(0.0, 1.0, N)
    g = np.where(np.arange(N) % 2 == 0, "m", "f")
    latent = 0.5 * x + 0.4 * (g == "m") + effect + rng.logistic(size=N)
    frame = pd.DataFrame({"x": x, "g": pd.Categorical(g), "k": (latent > 0) * 0.6 + rng.uniform(0.0, 0.6, N)})
    frame["y"] = pd.Categorical(
        np.array(["no", "maybe", "yes"])[np.digitize(latent, [-0.4, 0.9])], ["no", "maybe", "yes"], ordered=True
    )
    later = latent + rng.normal(0.3, 1.0, N)
    frame["z"] = pd.Categorical(
        np.array(["no", "maybe", "yes"])[np.digitize(later, [-0.4, 0.9])], ["no", "maybe", "yes"], ordered=True
    )
    frame["c"] = pd.Categorical(np.where(latent + rng.normal(0.0, 1.0, N) > 0, "u", "v"))
    frame["e"] = pd.Categorical(np.where(x + rng.normal(0.0, 1.0, N) > 0, "a", "b"))
    return frame.assign(
        w=rng.uniform(0.5, 2.0, N), h=unit // 4, unit=unit, house=np.arange(N) // 3, row=np.arange(N),
        units=np.array([9.0, 12.0])[unit // 4], members=10.0, houses=4.0, half=0.5, people=np.array([90.0, 60.0])[unit // 4],
    )  # fmt: skip


def case_of(design: str, calibration: str, rows: str, seed: int) -> Case:
    frame = respondents(seed)
    rng = np.random.default_rng([seed, 1])
    gone = rng.random(N) < 0.2
    if rows in ("missing", "both"):
        frame["y"] = frame["y"].where(~gone)
        frame["z"] = frame["z"].where(~np.roll(gone, 5))
    domain = rng.random(N) < 0.85 if rows in ("domain", "both") else None
    return Case(frame, DESIGNS[design], CALIBRATIONS[calibration], domain)


def shares(case: Case, outcome: str, weights: Array) -> Array:
    """(groups, answers) shares, as their definition has it."""
    known, frame = case.inside & case.frame[outcome].notna().to_numpy(), case.frame
    given = np.array([[frame[outcome] == answer for answer in frame[outcome].cat.categories]])[0] * weights * known
    groups = np.array([frame["g"] == level for level in frame["g"].cat.categories]).astype(float)
    sums = groups @ given.T
    return sums / sums.sum(axis=1, keepdims=True)


def superiority(share: Array) -> float:
    """P(second > first) + P(equal) / 2."""
    below = np.cumsum(share[0]) - share[0] / 2.0
    return float(share[1] @ below)


def by_hand(case: Case, weights: Array) -> dict[str, Array]:
    """The estimates of `by_package`, from the weights before calibration."""
    final, x = case.final(weights), case.frame["x"].to_numpy()
    share, both = shares(case, "y", final), case.frame["y"].notna() & case.frame["z"].notna()
    complete = Case(case.frame, case.design, case.steps, case.inside & both.to_numpy())
    groups = [final * case.inside * (case.frame["g"] == level).to_numpy() for level in ("f", "m")]
    return {
        "raw": share.ravel(),
        "mean": np.array([w @ x / w.sum() for w in groups]),
        "total": np.array([(final * case.inside) @ x]),
        "contrasts": share[1] - share[0],
        "mean score": share @ [0.0, 1.0, 3.0],
        "change": (shares(complete, "z", final) - shares(complete, "y", final)).ravel(),
        "other rows": (shares(case, "z", final) - share).ravel(),
        "superiority": np.array([superiority(share)]),
    }


def by_package(survey: wwm.Survey) -> dict[str, wwm.Estimates]:
    share = wwm.raw(survey, "y", "g")
    return {
        "raw": share,
        "mean": wwm.mean(survey, "x", "g"),
        "total": wwm.total(survey, "x"),
        "contrasts": wwm.contrasts(share, "g"),
        "mean score": wwm.mean_score(share, {"no": 0.0, "maybe": 1.0, "yes": 3.0}),
        "change": wwm.change(survey, "y", "z", by="g"),
        "other rows": wwm.change_between(share, wwm.raw(survey, "z", "g")),
        "superiority": wwm.superiority(share, "g"),
    }


def modelled_by_hand(case: Case, weights: Array) -> dict[str, Array]:
    """A model of the calibrated weights, its predictions averaged over the respondents it uses."""
    final = case.final(weights)
    fit = wwm.fit(
        MODEL, wwm.Survey.from_frame(case.frame.assign(w=final), weight="w", domain=case.domain), vcov="model"
    )
    used = case.inside & case.frame["y"].notna().to_numpy()
    people, w = case.frame.loc[used, ["g", "x"]], final[used] / final[used].sum()
    given = [people.assign(g=pd.Categorical([level] * len(people), ["f", "m"])) for level in ("f", "m")]
    adjusted = np.array([w @ wwm.predict(fit, each).to_numpy() for each in given])
    moved = [wwm.predict(fit, people.assign(x=people["x"] + each)).to_numpy() for each in (1e-3, -1e-3)]
    return {
        "parameters": fit.params.to_numpy(),
        "adjusted": adjusted.ravel(),
        "contrasts": adjusted[1] - adjusted[0],
        "slopes": w @ (moved[0] - moved[1]) / 2e-3,
        "superiority": np.array([superiority(adjusted)]),
        "adjusted minus raw": (adjusted - shares(case, "y", final)).ravel(),
    }


def modelled_by_package(survey: wwm.Survey) -> dict[str, Array]:
    """Standard errors."""
    fit = wwm.fit(MODEL, survey, vcov="robust" if survey.design is None else "design")
    adjusted = wwm.adjusted(fit, "g")
    made = {
        "adjusted": adjusted,
        "contrasts": wwm.contrasts(fit, "g"),
        "slopes": wwm.slopes(fit, "x"),
        "superiority": wwm.superiority(fit, "g"),
        "adjusted minus raw": wwm.change_between(wwm.raw(survey, "y", "g"), adjusted),
    }
    errors = {name: estimates.table["std_error"].to_numpy(dtype=float) for name, estimates in made.items()}
    return {"parameters": fit.std_errors.to_numpy(), **errors}


def contributions(estimate: Callable[[Array], Array], weights: Array, together: Array | None = None) -> Array:
    """(n, m) ``w_i dt/dw_i``; of rows that are weighed together, the sum stands in the first of them."""
    together = np.arange(len(weights)) if together is None else together
    found: dict[int, Array] = {}
    for unit in np.unique(together):
        moved = STEP * (together == unit)
        row = int(np.flatnonzero(together == unit)[0])
        found[row] = (estimate(weights * (1.0 + moved)) - estimate(weights * (1.0 - moved))) / (2.0 * STEP)
    nothing = np.zeros_like(next(iter(found.values())))
    return np.array([found.get(row, nothing) for row in range(len(weights))])


def variance(rows: Array, frame: pd.DataFrame, design: Mapping[str, Any]) -> Array:
    """(m,) variances of totals: (1 - f) n / (n - 1) times the squares of a stratum's units about their mean, and f times the same within each."""
    strata, units, sizes = (
        [value] if isinstance(value, str) else list(value or []) for value in map(design.get, ("strata", "psu", "fpc"))
    )
    units = units or ["row"]

    def within(part: pd.DataFrame, stage: int) -> Array:
        codes = part[units[stage]]
        totals = np.array([rows[part.index[codes == unit]].sum(axis=0) for unit in codes.unique()])
        n = len(totals)
        f = 0.0
        if stage < len(sizes):
            size = part[sizes[stage]].iloc[0]
            f = size if size <= 1.0 else n / size
        own = np.zeros(rows.shape[1]) if n == 1 else (1.0 - f) * n / (n - 1) * ((totals - totals.mean(0)) ** 2).sum(0)
        if not sizes or stage + 1 == len(units):
            return own
        return own + f * sum(within(part[codes == unit], stage + 1) for unit in codes.unique())

    groups = [part for _, part in frame.groupby(strata[0])] if strata else [frame]
    return np.asarray(sum(within(part, 0) for part in groups))


def assert_errors(found: Mapping[str, Array], by_hand: Callable[[Array], Mapping[str, Array]], case: Case) -> None:
    weights, staged = case.frame["w"].to_numpy(), isinstance(case.design.get("psu"), list)
    together = case.frame["unit"].to_numpy() if "psu" in case.design and not staged else None
    sizes = [len(values) for values in by_hand(weights).values()]
    rows = contributions(lambda at: np.concatenate(list(by_hand(at).values())), weights, together)
    expected = np.split(np.sqrt(variance(rows, case.frame, case.design)), np.cumsum(sizes)[:-1])
    for name, wanted in zip(by_hand(weights), expected, strict=True):
        # central differences over 1e-3; a total that calibration has fixed has errors of 1e-7
        np.testing.assert_allclose(found[name], wanted, rtol=1e-4, atol=1e-6, err_msg=name)


PLAIN = [
    (design, calibration, ROWS[(i + j) % 4], 100 + 10 * i + j)
    for i, design in enumerate(DESIGNS)
    for j, calibration in enumerate(CALIBRATIONS)
]
MODELLED = [
    ("respondents", "post-stratified twice", "both", 2), ("units", "post-stratified", "missing", 3),
    ("units and sizes", "linear, then post-stratified", "domain", 4), ("two stages", "three times", "both", 5), ("units", "none", "both", 6),
]  # fmt: skip


@pytest.mark.parametrize(("design", "calibration", "rows", "seed"), PLAIN)
def test_numbers_of_a_survey(design: str, calibration: str, rows: str, seed: int):
    case = case_of(design, calibration, rows, seed)
    weights = case.frame["w"].to_numpy()
    survey = case.survey(weights)
    np.testing.assert_allclose(survey.weights, case.final(weights), rtol=1e-9)
    made, known = by_package(survey), by_hand(case, weights)
    for name, values in known.items():
        np.testing.assert_allclose(made[name].table["estimate"], values, rtol=1e-9, atol=1e-12, err_msg=name)
    errors = {name: estimates.table["std_error"].to_numpy(dtype=float) for name, estimates in made.items()}
    assert_errors(errors, partial(by_hand, case), case)


@pytest.mark.parametrize(("design", "calibration", "rows", "seed"), MODELLED)
def test_numbers_of_a_model(design: str, calibration: str, rows: str, seed: int):
    case = case_of(design, calibration, rows, seed)
    assert_errors(modelled_by_package(case.survey(case.frame["w"].to_numpy())), partial(modelled_by_hand, case), case)


@pytest.mark.parametrize("calibration", ["none", "post-stratified", "linear, then post-stratified"])
def test_do_the_weights_matter(calibration: str):
    """More of a respondent is more of them in the unweighted fit too, whose weights nothing calibrates."""
    case = case_of("units", calibration, "both", 11)
    weights = case.frame["w"].to_numpy()
    fit = wwm.fit(MODEL, case.survey(weights))
    slopes = np.flatnonzero(~fit.design.is_cut)

    def fitted(at: Array) -> Array:
        return wwm.fit(MODEL, wwm.Survey.from_frame(case.frame.assign(w=at), weight="w", domain=case.domain)).theta

    rows = contributions(
        lambda at: (fitted(case.final(at)) - fitted(at / weights))[slopes], weights, case.frame["unit"].to_numpy()
    )
    spread = np.sqrt(variance(rows, case.frame, case.design))
    ratio = (fitted(case.final(weights)) - fitted(np.ones(N)))[slopes] / spread
    np.testing.assert_allclose(wwm.weights_matter(fit).table["statistic"], ratio**2, rtol=1e-3)


@pytest.mark.parametrize("bounds", [None, (0.9, 2.2)])
def test_raked_weights_are_linearised_as_r_does(bounds: tuple[float, float] | None):
    """The regression has the weights before raking (Deville and Saerndal 1992), not those after it: nearly the derivative."""
    margins = {"c": {"u": 55.0, "v": 45.0}, "e": {"a": 48.0, "b": 52.0}}
    case = Case(respondents(5), DESIGNS["units"], (), np.random.default_rng(5).random(N) < 0.8)
    weights, units = case.frame["w"].to_numpy() * 70.0 / case.frame["w"].sum(), case.frame["unit"].to_numpy()

    def raked(at: Array) -> wwm.Survey:
        return wwm.rake(case.survey(at), margins, bounds=bounds)

    def share(final: Array) -> Array:
        return shares(case, "y", final).ravel()

    survey, (columns, _) = raked(weights), columns_of(case.frame, margins)
    columns = columns[:, :3]
    unit = contributions(share, survey.weights) / survey.weights[:, None]
    cross = (columns * weights[:, None]).T
    rows = survey.weights[:, None] * (unit - columns @ np.linalg.solve(cross @ columns, cross @ unit))
    found = wwm.raw(survey, "y", "g").table["std_error"].to_numpy()
    np.testing.assert_allclose(found, np.sqrt(variance(rows, case.frame, case.design)), rtol=1e-4)
    if bounds is None:
        whole = contributions(lambda at: share(raked(at).weights), weights, units)
        np.testing.assert_allclose(found, np.sqrt(variance(whole, case.frame, case.design)), rtol=0.1)


def left_out(frame: pd.DataFrame, design: Mapping[str, Any]) -> tuple[list[Array], list[float]]:
    """The weights without each unit in turn, and the factor of its square."""
    strata = frame[design["strata"]] if "strata" in design else pd.Series(0, index=frame.index)
    units = frame[design.get("psu", "row")]
    weights, factors = [], []
    for unit in units.unique():
        stratum = strata == strata[units == unit].iloc[0]
        n = units[stratum].nunique()
        f = n / frame[design["fpc"]][stratum].iloc[0] if "fpc" in design else 0.0
        grown = frame["w"].where(~stratum, frame["w"] * n / (n - 1))
        weights.append(grown.where(units != unit, 0.0).to_numpy())
        factors.append((1.0 - f) * (n - 1) / n)
    return weights, factors


@pytest.mark.parametrize("order", ["calibrated first", "replicates first", "in between"])
@pytest.mark.parametrize("calibration", ["post-stratified", "linear", "linear, then post-stratified"])
@pytest.mark.parametrize("design", ["respondents", "strata and sizes", "units and sizes"])
def test_replicates_repeat_the_whole_procedure(design: str, calibration: str, order: str):
    case = case_of(design, calibration, "both", 21)
    weights = case.frame["w"].to_numpy()
    steps = case.steps
    before, after = (
        (steps, ())
        if order == "calibrated first"
        else (steps[:-1], steps[-1:])
        if order == "in between"
        else ((), steps)
    )
    survey = wwm.replicates(Case(case.frame, case.design, before, case.domain).survey(weights))
    survey = Case(case.frame, case.design, after, case.domain).calibrated(survey)
    every, factors = left_out(case.frame, case.design)
    gaps = np.array([np.concatenate(list(by_hand(case, each).values())) for each in every])
    gaps -= np.concatenate(list(by_hand(case, weights).values()))
    found = np.concatenate([each.covariance.diagonal() for each in linear_in_weights(survey)])
    expected = np.array(factors) @ gaps**2
    np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-6, atol=1e-12)


def linear_in_weights(survey: wwm.Survey) -> list[wwm.Estimates]:
    """The first of `by_hand`, and no gradients of them."""
    return [wwm.raw(survey, "y", "g"), wwm.mean(survey, "x", "g"), wwm.total(survey, "x")]


def test_a_model_is_fitted_to_calibrated_replicates():
    case = case_of("units", "post-stratified twice", "both", 22)
    every, factors = left_out(case.frame, case.design)

    def estimates(weights: Array) -> Array:
        found = modelled_by_hand(case, weights)
        return np.concatenate([found["parameters"], found["adjusted"]])

    weights = case.frame["w"].to_numpy()
    expected = np.array(factors) @ (np.array([estimates(each) for each in every]) - estimates(weights)) ** 2
    fit = wwm.fit(MODEL, wwm.replicates(case.survey(weights)))
    found = np.concatenate([fit.std_errors, wwm.adjusted(fit, "g").table["std_error"]])
    np.testing.assert_allclose(found**2, expected, rtol=1e-6)


def test_replicates_of_everybody_once_are_not_calibrated():
    """`unweighted` counts each respondent once, in every replicate too."""
    case = case_of("units", "post-stratified", "all", 31)
    survey = wwm.replicates(case.survey(case.frame["w"].to_numpy()))
    once = wwm.replicates(wwm.Survey.from_frame(case.frame, weight=None, **case.design))
    for made in (survey.unweighted(), wwm.replicates(case.survey(case.frame["w"].to_numpy()).unweighted())):
        np.testing.assert_allclose(
            wwm.mean(made, "x").table["std_error"], wwm.mean(once, "x").table["std_error"], rtol=1e-12
        )


PAIRS = pd.DataFrame({"h": np.repeat(np.arange(4), 4), "unit": np.repeat(np.arange(8), 2), "row": np.arange(16)}).assign(
    x=[1.0, 5, 2, 8, 3, 6, 1, 7, 2, 9, 4, 6, 5, 1, 8, 3], w=15.0, units=np.repeat([3.0, 5.0, 4.0, 6.0], 4), members=40.0
)  # fmt: skip


@pytest.mark.parametrize("sizes", [None, "units"])
@pytest.mark.parametrize("kind", ["JKn", "BRR", "Fay"])
def test_replicates_of_a_mean_of_equal_units_are_the_linearised_error(kind: str, sizes: str | None):
    """The mean of units of equal weight is linear in them, so that every replication gives the design's own variance, sizes included."""
    survey = wwm.Survey.from_frame(PAIRS, weight="w", strata="h", psu="unit", fpc=sizes)
    known = wwm.mean(survey, "x").table["std_error"]
    np.testing.assert_allclose(wwm.mean(wwm.replicates(survey, kind), "x").table["std_error"], known, rtol=1e-9)


TWO = pd.DataFrame({"h": np.repeat([0, 1], 8), "unit": np.repeat(np.arange(4), 4), "row": np.arange(16)}).assign(
    x=[1.0, 5, 2, 8, 3, 6, 1, 7, 2, 9, 4, 6, 5, 1, 8, 3], w=15.0, units=3.0, members=40.0
)
TWO_STAGES: dict[str, Any] = {"strata": "h", "psu": ["unit", "row"], "fpc": ["units", "members"]}


@pytest.mark.parametrize("kind", ["JKn", "BRR", "Fay"])
def test_replicates_that_would_hide_a_stage_are_refused(kind: str):
    survey = wwm.Survey.from_frame(TWO, weight="w", **TWO_STAGES)
    np.testing.assert_allclose(wwm.mean(survey, "x").table["std_error"], 0.5951, atol=5e-5)  # R 4.2, survey 4.1
    with pytest.raises(SurveyError) as caught:
        wwm.replicates(survey, kind)
    assert str(caught.value) == (
        f'Replicates of kind "{kind}" leave out whole units of the first stage; with the sampling fractions of this design 2 stages add to the '
        'variance, and such replicates would not show the later ones. Expected kind="bootstrap", which resamples every stage. Use '
        "that, or no replicates: linearised standard errors have all stages."
    )
    everybody = wwm.Survey.from_frame(TWO.assign(members=4.0), weight="w", **TWO_STAGES)  # all members were taken
    known = wwm.mean(everybody, "x").table["std_error"]
    np.testing.assert_allclose(wwm.mean(wwm.replicates(everybody, kind), "x").table["std_error"], known, rtol=1e-9)


@pytest.mark.parametrize("design", ["two stages", "three stages"])
def test_the_bootstrap_resamples_every_stage(design: str):
    """3,000 draws: the Monte Carlo error of a standard error is 1.3%; four of them. Factors are never negative."""
    frame = respondents(41)
    survey = wwm.Survey.from_frame(frame, weight="w", **DESIGNS[design])
    made = wwm.replicates(survey, "bootstrap", draws=3000, seed=4)
    assert made.replicates is not None
    assert made.replicates.weights.min() >= 0.0
    known, found = (wwm.total(on, "x").table["std_error"] for on in (survey, made))
    np.testing.assert_allclose(found, known, rtol=0.052)


def test_a_later_stage_with_one_unit_is_refused_unless_it_is_declared_certain():
    survey = wwm.Survey.from_frame(
        TWO.assign(house=[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]), weight="w", strata="h", psu=["unit", "house"],
        fpc=["units", "members"],
    )  # fmt: skip
    with pytest.raises(SurveyError) as caught:
        wwm.replicates(survey, "bootstrap")
    assert str(caught.value) == (
        "1 of 4 units sampled before stage 2 have a single unit in it; replicates need two or more. Merge units first, or declare "
        'lonely = "certainty", for which they add nothing.'
    )


def test_a_replicate_that_cannot_be_calibrated_is_named():
    frame = pd.DataFrame({"c": pd.Categorical(["u", "v", "v", "v"]), "w": 1.0, "y": [0.0, 1.0, 0.0, 1.0]})
    survey = wwm.poststratify(wwm.Survey.from_frame(frame, weight="w"), "c", {"u": 2.0, "v": 3.0})
    with pytest.raises(SurveyError) as caught:
        wwm.replicates(survey, "JK1")
    message = str(caught.value)
    assert message.startswith(
        "Replicate 1 of 4 cannot be calibrated as the weights were. Raking did not converge in 200 rounds: "
    )
    assert message.endswith(
        "No weights are returned. Every replicate needs respondents at every level that the population has."
    )


def test_intervals_of_calibrated_weights_hold_the_population():
    """A fortieth of `python -m benchmarks.designs`: 50 samples know a share of 95% to 3 points; three of them."""
    found = designs.calibrated_with_nonresponse(50, 7)
    assert min(found.values()) >= 0.86
