"""Laws of joined groups: they are the share of the union, adjusted as their levels are, and rightly tied to parts and whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Reference
from wwm_models.claims.claimed_quantities import quantities
from wwm_models.claims.lookup import EstimateIndex, pool_of
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.number_key import JoinedLevels
from wwm_models.estimates.raw import with_suppressed
from wwm_models.identification.joint_table import Margins
from wwm_models.identification.region import Region, regions
from wwm_models.likelihood.replicates import replicates

HOMES = ("single", "couple", "family", "parent")
OTHERS = JoinedLevels(["couple", "family", "parent"])
SIZE = 240


def people() -> pd.DataFrame:
    """240 respondents, written out, in 30 towns of 6 regions, with unequal weights."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"town": np.arange(SIZE) // 8, "region": np.arange(SIZE) // 40})
    frame["home"] = pd.Categorical(rng.choice(HOMES, SIZE, p=[0.3, 0.3, 0.3, 0.1]), HOMES)
    frame["age"] = pd.Categorical(rng.choice(["young", "old"], SIZE), ["young", "old"])
    frame["sex"] = pd.Categorical(
        np.where(rng.random(SIZE) < 0.3 + 0.4 * (frame["home"] == "parent"), "f", "m"), ["f", "m"]
    )
    chance = 0.25 + 0.3 * (frame["home"] == "family") + 0.2 * (frame["age"] == "young") + 0.1 * (frame["sex"] == "f")
    answer = np.where(rng.random(SIZE) < chance, "yes", "no")
    frame["wish"] = pd.Categorical(answer, ["no", "yes"], ordered=True)
    frame["w"] = rng.integers(1, 4, SIZE).astype(float)
    return frame  # fmt: skip


def survey_of(frame: pd.DataFrame, design: str) -> wwm.Survey:
    if design == "none":
        return wwm.Survey.from_frame(frame, weight="w")
    made = wwm.Survey.from_frame(frame, weight="w", strata="region", psu="town")
    return made if design == "clusters" else replicates(made, "JKn")


def yes(**group: str) -> Reference:
    return Reference("wish", "yes", tuple(group.items()))


JOINED = {"one variable": {"home": OTHERS}, "crossed": {"home": OTHERS, "age": "young"}, "both": {"home": JoinedLevels(["couple", "family"]), "age": JoinedLevels(["old", "young"])}}  # fmt: skip


@pytest.mark.parametrize("design", ["none", "clusters", "replicates"])
@pytest.mark.parametrize("group", JOINED.values(), ids=JOINED)
def test_raw_it_is_the_share_of_respondents_who_are_recoded(design: str, group: dict[str, str]):
    """Recoded to one level, the union is an ordinary group: estimate, error, interval, degrees of freedom and respondents."""
    frame = people()
    names = [name for name in group if not (name == "age" and isinstance(group[name], JoinedLevels))]
    merged = frame.assign(
        home=frame["home"].map(lambda one: str(group["home"]) if one in group["home"].levels else one)
    )
    recoded = wwm.raw(survey_of(merged, design), "wish", names)
    survey = survey_of(frame, design)
    found = pool_of([wwm.raw(survey, "wish", by) for by in (list(group), "home")]).find(yes(**group))
    table = recoded.table[recoded.table["category"] == "yes"]
    for name in names:
        table = table[table[name].astype(str) == str(group[name])]
    (row,) = table.to_dict("records")
    assert found is not None
    exact = (
        1e-9 if design != "replicates" else 0.06
    )  # of replicates to first order, as their combinations are everywhere
    assert [found.estimate, found.n] == pytest.approx([row["estimate"], row["n"]], rel=1e-9)
    assert found.std_error == pytest.approx(row["std_error"], rel=exact)
    assert found.df == recoded.freedom.df[table.index[0]]
    assert [found.lower, found.upper] == pytest.approx([row["lower"], row["upper"]], rel=max(exact, 1e-6))


def contributions(frame: pd.DataFrame, inside: np.ndarray) -> np.ndarray:
    """Of each member of a group w (y - P) / W, by hand."""
    w, y = frame["w"].to_numpy(), (frame["wish"] == "yes").to_numpy(dtype=float)
    share = (w * y)[inside].sum() / w[inside].sum()
    return np.where(inside, w * (y - share) / w[inside].sum(), 0.0)


def order(greater: Reference, lesser: Reference) -> Claim:
    return Claim("C", "order", references={"greater": greater, "lesser": lesser})


def half(claim: Claim, pool: EstimateIndex) -> float:
    (one,) = quantities(claim, pool, 0.95)
    return (one.upper - one.lower) / 2 / 164.4853627


PAIRS = {
    "union and the level outside it": (yes(home=OTHERS), yes(home="single")),
    "union and a level inside it": (yes(home=OTHERS), yes(home="parent")),
    "union and everyone": (yes(home=OTHERS), yes()),
    "level and everyone": (yes(home="single"), yes()),
    "crossed cell and everyone": (yes(home="single", age="young"), yes()),
    "cell and a part of it": (yes(home=OTHERS, age="young"), yes(age="young")),
}


def member(frame: pd.DataFrame, at: Reference) -> np.ndarray:
    return np.logical_and.reduce([np.ones(len(frame), dtype=bool), *(frame[name].isin(own) for name, own in at.levels.items())])  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_raw_parts_and_wholes_are_correlated_as_written_out_respondents_are(pair: tuple[Reference, Reference]):
    frame = people()
    survey = survey_of(frame, "none")
    pool = pool_of([wwm.raw(survey, "wish", by) for by in (None, "home", "age", ["age", "home"])])
    one, two = (contributions(frame, member(frame, at)) for at in pair)
    assert half(order(*pair), pool) == pytest.approx(np.sqrt(((one - two) ** 2).sum() * SIZE / (SIZE - 1)), rel=1e-9)


def shares_of_a_fit(frame: pd.DataFrame, weights: np.ndarray, every: list[Reference]) -> np.ndarray:
    """Adjusted shares of groups by hand: predictions with everybody in each level, weighted by the sizes of the levels."""
    fit, found = fitted(frame, weights), list[float]()
    made = {by: wwm.adjusted(fit, list(by) or None).table for by in {tuple(sorted(at.levels)) for at in every}}
    for at in every:
        by = tuple(sorted(at.levels))
        table = made[by][made[by]["category"] == "yes"]
        if not by:
            found.append(float(table["estimate"].iloc[0]))
            continue
        share, size = (
            table.set_index(list(by))["estimate"],
            frame.assign(w=weights).groupby(list(by), observed=True)["w"].sum(),
        )
        chosen = [
            key
            for key in size.index
            if all(level in own for level, own in zip(np.atleast_1d(key), at.levels.values(), strict=True))
        ]
        found.append(float(sum(size[key] * share[key] for key in chosen) / sum(size[key] for key in chosen)))
    return np.array(found)  # fmt: skip


def fitted(frame: pd.DataFrame, weights: np.ndarray) -> wwm.Fit:
    return wwm.fit(wwm.Model("wish ~ home*age + sex"), wwm.Survey.from_frame(frame.assign(w=weights), weight="w"))


def derivatives(value: Callable[[np.ndarray], np.ndarray], frame: pd.DataFrame) -> np.ndarray:
    """What each respondent moves a number, by refits with a little more and a little less of them."""
    weights, step = frame["w"].to_numpy(), 1e-3
    known = dict[tuple[object, ...], np.ndarray]()
    moved: list[np.ndarray] = []
    for who, row in enumerate(frame[["home", "age", "sex", "wish"]].itertuples(index=False)):
        if tuple(row) not in known:
            more, less = (value(weights + sign * step * (np.arange(SIZE) == who)) for sign in (1, -1))
            known[tuple(row)] = (more - less) / (2 * step)
        moved.append(weights[who] * known[tuple(row)])
    return np.array(moved)


def test_adjusted_it_is_the_mean_of_its_levels_with_the_error_of_refits():
    """Value, standard error and the errors of differences to its parts and the whole, by brute force over the weights."""
    frame = people()
    every = list(dict.fromkeys(at for pair in PAIRS.values() for at in pair))
    fit = fitted(frame, frame["w"].to_numpy())
    sets = (None, "home", "age", ["age", "home"])
    raw = pool_of([wwm.raw(fit.survey, "wish", by) for by in sets])
    pool = pool_of([wwm.adjusted(fit, by) for by in sets], raw)
    for at, share in zip(every, shares_of_a_fit(frame, frame["w"].to_numpy(), every), strict=True):
        found = pool.find(at)
        assert found is not None
        assert found.estimate == pytest.approx(share, abs=1e-12)
    moved = derivatives(lambda weights: shares_of_a_fit(frame, weights, every), frame)
    for one, two in PAIRS.values():
        gap = moved[:, every.index(one)] - moved[:, every.index(two)]
        assert half(order(one, two), pool) == pytest.approx(np.sqrt((gap**2).sum() * SIZE / (SIZE - 1)), rel=1e-4)


def drawn(values: np.ndarray, raw: Estimates) -> Estimates:
    table = raw.table[raw.table["category"] == "yes"].reset_index(drop=True).assign(estimate=values.mean(axis=0))
    return Estimates(table, raw.by, np.cov(values, rowvar=False), None, values, origin="one")


def test_of_a_posterior_the_levels_are_combined_draw_by_draw_and_the_sizes_are_drawn():
    frame = people()
    raw = wwm.raw(survey_of(frame, "none"), "wish", "home")
    draws = np.random.default_rng(5).normal([0.2, 0.3, 0.6, 0.4], 0.001, (4000, 4))
    posterior = pool_of([drawn(draws, raw)], pool_of([raw]))
    found = posterior.find(yes(home=OTHERS))
    assert found is not None
    assert found.draws is not None
    inside = frame[frame["home"] != "single"]
    sizes = inside.groupby("home", observed=True)["w"].sum() / inside["w"].sum()
    means = draws.mean(axis=0)[1:]
    assert found.estimate == pytest.approx(float(sizes.to_numpy() @ means), abs=1e-3)
    own = pd.Series(means, HOMES[1:])[inside["home"].astype(str)].to_numpy()
    by_size = np.sqrt(((inside["w"] * (own - sizes.to_numpy() @ means) / inside["w"].sum()) ** 2).sum())
    assert found.std_error == pytest.approx(by_size, rel=0.1)  # nearly all from the sizes: the levels hardly vary


WHOLE = JoinedLevels(HOMES)


def test_all_levels_are_everyone():
    """Raw and adjusted; of a crossed group that group without the variable."""
    frame = people()
    fit = fitted(frame, frame["w"].to_numpy())
    sets = (None, "home", "age", ["age", "home"])
    raw = pool_of([wwm.raw(fit.survey, "wish", by) for by in sets])
    for pool in (raw, pool_of([wwm.adjusted(fit, by) for by in sets], raw)):
        for group, plain in ((yes(home=WHOLE), yes()), (yes(home=WHOLE, age="old"), yes(age="old"))):
            whole, part = pool.find(group), pool.find(plain)
            assert whole is not None
            assert part is not None
            assert (whole.estimate, whole.std_error) == (part.estimate, part.std_error)


def test_where_a_level_is_suppressed_so_is_what_it_is_joined_in():
    """Union minus its other levels would tell it; a union of shown levels tells nothing that they do not."""
    raw = wwm.raw(survey_of(people(), "none"), "wish", "home")
    few = int(raw.table["n"].min())
    pool = pool_of([with_suppressed(raw, few + 1)])
    assert pool.find(yes(home="parent")) is None
    assert pool.find(yes(home=OTHERS)) is None
    assert pool.find(yes(home=JoinedLevels(["couple", "family"]))) is not None


def region_of(weights: np.ndarray, unknown: str = "") -> Region:
    table = pd.DataFrame(weights, index=["young", "middle", "old"], columns=["single", "couple", "family"])
    margins = Margins(
        "age",
        "home",
        table,
        unknown=unknown,
        answers={"wish": ("no", "yes"), "age": tuple(table.index), "home": tuple(table.columns)},
    )
    return regions(Article(), margins, [yes()])["wish"]  # fmt: skip


def test_bounds_have_the_same_numbers_of_a_population():
    """The forms of raw and adjusted against the sums that define them, for 50 populations."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        w, p = rng.dirichlet(np.ones(9)).reshape(3, 3), rng.random((3, 3))
        both = np.stack([1 - p, p], axis=2).ravel()
        region = region_of(w)
        rows = JoinedLevels(["young", "old"])
        chosen, of_row = w[[0, 2]], w.sum(axis=1)[[0, 2]]
        assert region.raw(yes(age=rows)) @ both == pytest.approx((chosen * p[[0, 2]]).sum() / chosen.sum())
        by_row = p[[0, 2]] @ w.sum(axis=0)
        assert region.adjusted(yes(age=rows)) @ both == pytest.approx((of_row @ by_row) / of_row.sum())
        cells = w[[0, 2], 1]
        crossed = yes(age=rows, home="couple")
        assert region.adjusted(crossed) @ both == pytest.approx((cells @ p[[0, 2], 1]) / cells.sum())
        every = JoinedLevels(["single", "couple", "family"])
        for form in (region.raw, region.adjusted):
            assert form(yes(home=every)) @ both == pytest.approx(form(yes()) @ both)
