"""What is made of estimates: scores, ratios, superiority, change, equivalence, differences in differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.claims.article import Article
from wwm_models.claims.comparison import comparison_table
from wwm_models.errors import AdjustError
from wwm_models.estimates.estimates import Estimand, Estimates
from wwm_models.estimates.joint_distribution import joint_distribution, law_of_pairs, stacked
from wwm_models.likelihood.covariance import covariance

MODEL = wwm.Model("y ~ age + household")
SCORES = {"never": 0.0, "rarely": 1.0, "often": 4.0, "daily": 20.0}


def test_a_mean_of_scores_is_the_mean_of_the_numbers(survey):
    """Raw: the mean of the scored answers as `wwm.mean` computes it, with the same standard error."""
    scored = survey.frame.assign(days=survey.frame["y"].astype(object).map(SCORES).astype(float))
    made = wwm.mean_score(wwm.raw(survey, "y", "age"), SCORES)
    direct = wwm.mean(wwm.Survey(scored, survey.weights, survey.weight_kind, survey.design, survey.domain), "days", "age")  # fmt: skip
    np.testing.assert_allclose(made.table["estimate"], direct.table["estimate"], rtol=1e-12)
    np.testing.assert_allclose(made.covariance, direct.covariance, rtol=1e-9, atol=1e-14)


def test_superiority_is_mann_whitney(frame):
    plain = wwm.Survey.from_frame(frame, weight=None)
    table = wwm.superiority(wwm.raw(plain, "y", "age"), "age", pairwise=True).table
    codes = frame["y"].cat.codes
    for row in table.to_dict("records"):
        one, two = (codes[frame["age"] == level] for level in row["contrast"].split(" over "))
        u = stats.mannwhitneyu(one, two).statistic
        np.testing.assert_allclose(row["estimate"], u / len(one) / len(two), rtol=1e-12)


def test_superiority_turned_around_is_its_complement(logit_response, survey):
    fit = wwm.fit(logit_response.model("y ~ age + x"), survey)
    one = wwm.superiority(fit, "age", reference="18-34").table
    two = wwm.superiority(fit, "age", reference="50-64").table
    upward = one.loc[one["contrast"] == "50-64 over 18-34"].iloc[0]
    downward = two.loc[two["contrast"] == "18-34 over 50-64"].iloc[0]
    np.testing.assert_allclose(upward["estimate"] + downward["estimate"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(upward["std_error"], downward["std_error"], rtol=1e-9)
    np.testing.assert_allclose(upward["lower"], 1.0 - downward["upper"], rtol=1e-9)


def test_superiority_of_a_latent_normal_tends_to_its_closed_form():
    """Many answers of a probit: P(Y1 > Y2) + P(=)/2 is Phi(delta / sqrt(2)), here with delta = 0.8."""
    cuts = np.linspace(-6.0, 6.0, 1201)
    shares = [np.diff(stats.norm.cdf(cuts - shift), prepend=0.0, append=1.0) for shift in (0.0, 0.8)]
    rows = [(g, f"{k:04d}", p) for g, share in zip("ab", shares, strict=True) for k, p in enumerate(share)]
    table = pd.DataFrame(rows, columns=["g", "category", "estimate"]).assign(
        outcome="y", std_error=0.0, lower=0.0, upper=1.0, level=0.95, count=0, n=1, n_effective=1, method="raw",
        estimand=Estimand(("g",), (), "sample").text,
    )  # fmt: skip
    known = Estimates(table, ("g",), np.zeros((len(table), len(table))))
    gamma = wwm.superiority(known, "g").table["estimate"].iloc[0]
    # the grid's step of 0.01 moves the probability by its square over 24
    np.testing.assert_allclose(gamma, stats.norm.cdf(0.8 / np.sqrt(2.0)), rtol=1e-5)


@pytest.mark.slow
def test_standard_error_of_superiority_is_that_of_the_jackknife(respondents):
    """75 respondents left out one by one; linearisation differs from it by a term of order 1 / n of a group: 8%."""
    frame = respondents(75)

    def gamma(rows):
        estimates = wwm.raw(wwm.Survey.from_frame(rows, weight="w"), "y", "age")
        return wwm.superiority(estimates, "age").table

    whole = gamma(frame)
    centred = [gamma(frame.drop(index=row))["estimate"] - whole["estimate"] for row in range(75)]
    expected = np.sqrt(74 / 75 * (np.array(centred) ** 2).sum(axis=0))
    np.testing.assert_allclose(whole["std_error"], expected, rtol=0.08)


def test_standard_error_of_an_answer_ratio_is_the_multinomials(frame):
    """Unweighted counts a and b: the log of their ratio has variance 1/a + 1/b."""
    raw = wwm.raw(wwm.Survey.from_frame(frame, weight=None), "y")
    row = wwm.answer_ratio(raw, "often", "never").table.iloc[0]
    counts, n = frame["y"].value_counts(), len(frame)
    expected = np.sqrt((1 / counts["often"] + 1 / counts["never"]) * n / (n - 1))
    np.testing.assert_allclose(row["std_error"] / row["estimate"], expected, rtol=1e-10)


def test_an_answer_ratio_is_judged_on_the_log_scale(survey):
    fit = wwm.fit(MODEL, survey)
    ratio, turned = wwm.answer_ratio(fit, "often", "never", "age"), wwm.answer_ratio(fit, "never", "often", "age")
    np.testing.assert_allclose(ratio.table["estimate"] * turned.table["estimate"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(ratio.table["lower"] * turned.table["upper"], 1.0, rtol=1e-9)
    np.testing.assert_allclose(ratio.table["p_value"], turned.table["p_value"], rtol=1e-6)


def test_a_difference_in_differences_is_the_gap_between_gaps(survey):
    fit = wwm.fit(wwm.Model("y ~ age * household"), survey)
    cells = wwm.adjusted(fit, ["age", "household"])
    made = wwm.contrasts(cells, ["age", "household"])
    assert made.table.equals(wwm.contrasts(fit, ["age", "household"]).table)
    at = {(r.age, r.household, r.category): i for i, r in enumerate(cells.table.itertuples())}
    p, row = cells.table["estimate"].to_numpy(), made.table.iloc[0]
    signs = np.zeros(len(p))
    for age, sign in (("35-49", 1.0), ("18-34", -1.0)):
        signs[at[age, "couple", "never"]] += sign
        signs[at[age, "single", "never"]] -= sign
    assert row["contrast"] == "(35-49 - 18-34) at couple - single"
    np.testing.assert_allclose(row["estimate"], signs @ p, rtol=1e-12)
    np.testing.assert_allclose(row["std_error"], np.sqrt(signs @ cells.covariance @ signs), rtol=1e-10)


def test_paired_change_has_mcnemars_variance(frame):
    """Unweighted: (b + c - (b - c)^2 / n) / n^2, times n / (n - 1)."""
    table = wwm.change(wwm.Survey.from_frame(frame, weight=None), "z", "y", by="age").table
    for row in table.to_dict("records"):
        group = frame[frame["age"] == row["age"]]
        before, after = group["z"] == row["category"], group["y"] == row["category"]
        gained, lost, n = (after & ~before).sum(), (before & ~after).sum(), len(group)
        mcnemar = (gained + lost - (gained - lost) ** 2 / n) / n**2
        np.testing.assert_allclose(row["estimate"], (gained - lost) / n, rtol=1e-12, atol=1e-15)
        whole = len(frame)
        np.testing.assert_allclose(row["std_error"] ** 2, mcnemar * whole / (whole - 1), rtol=1e-10)


def test_change_adjusted_by_saturated_models_is_the_raw_change(survey):
    fits = [wwm.fit(wwm.Model(f"{name} ~ age", family="multinomial"), survey) for name in ("z", "y")]
    made = wwm.change_between(*(wwm.adjusted(fit, "age") for fit in fits))
    raw = wwm.change(survey, "z", "y", by="age")
    np.testing.assert_allclose(made.table["estimate"], raw.table["estimate"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(made.table["std_error"], raw.table["std_error"], rtol=1e-6)


def test_change_compares_declared_collapses(frame):
    collapses = {"z_much": ("z", ["often", "daily"]), "y_much": ("y", ["often", "daily"])}
    survey = wwm.Survey.from_frame(frame, weight="w", collapses=collapses)
    row = wwm.change(survey, "z_much", "y_much").table
    much = {name: frame[name].isin(["often", "daily"]) for name in "yz"}
    expected = np.average(much["y"], weights=frame["w"]) - np.average(much["z"], weights=frame["w"])
    assert len(row) == 1
    np.testing.assert_allclose(row["estimate"], expected, rtol=1e-12)


def test_equivalence_is_two_one_sided_tests(survey):
    con = wwm.contrasts(wwm.fit(MODEL, survey), "age")
    made = wwm.equivalence(con, margin=0.1)
    estimate, se = con.table["estimate"].to_numpy(), con.table["std_error"].to_numpy()
    law = stats.norm if np.isinf(con.df) else stats.t(con.df)
    expected = np.maximum(law.sf((estimate + 0.1) / se), law.cdf((estimate - 0.1) / se))
    np.testing.assert_allclose(made.table["p_value"], expected, rtol=1e-9)
    np.testing.assert_allclose(made.p_value, expected.max(), rtol=1e-9)
    assert ((made.table["verdict"] == "equivalent") == (expected < 0.05)).all()


def test_equivalence_of_draws_is_the_share_in_the_region():
    rng = np.random.default_rng(3)
    draws = np.column_stack([rng.normal(0.0, 0.01, 4000), rng.normal(0.2, 0.01, 4000)])
    con = wwm.contrasts(_two_groups(np.column_stack([draws[:, 0] * 0.0 + 0.3, draws[:, 0] + 0.3])), "g")
    made = wwm.equivalence(con, margin=0.02)
    np.testing.assert_allclose(made.table["p_value"], [(np.abs(draws[:, 0]) > 0.02).mean()], rtol=1e-12)


def _two_groups(draws: np.ndarray) -> Estimates:
    table = pd.DataFrame({"g": ["a", "b"], "outcome": "y", "category": "yes", "estimate": draws.mean(axis=0)}).assign(
        std_error=draws.std(axis=0, ddof=1), lower=0.0, upper=1.0, level=0.95, count=np.nan, n=10, n_effective=10,
        method="bayes", estimand=Estimand(("g",), (), "sample").text,
    )  # fmt: skip
    return Estimates(table, ("g",), np.cov(draws, rowvar=False), None, draws, np.inf, None, "one posterior")


def test_a_replicated_survey_gives_the_difference_of_a_saturated_model_no_error(frame):
    survey = wwm.replicates(wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit"), "JKn")
    fit = wwm.fit(wwm.Model("y ~ age", family="multinomial"), survey)
    adjusted, raw = wwm.adjusted(fit, "age"), wwm.raw(survey, "y", "age")
    plus = np.eye(len(raw.table))
    gap = joint_distribution([(adjusted, plus), (raw, -plus)])
    assert gap.replicated is not None
    np.testing.assert_allclose(gap.std_error, 0.0, atol=1e-8)


def test_the_stacked_law_of_two_outcomes_is_that_of_their_influence(survey):
    one, two = wwm.raw(survey, "y", "age"), wwm.adjusted(wwm.fit(wwm.Model("z ~ age + x"), survey), "age")
    law = stacked([one, two])
    size = len(one.table)
    np.testing.assert_allclose(law.covariance[:size, :size], one.covariance, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(law.covariance[size:, size:], two.covariance, rtol=1e-9, atol=1e-14)
    if survey.design is None and survey.weight_kind != "frequency":
        u = np.hstack([one.influence, two.influence])
        expected = len(u) / (len(u) - 1) * (u.T @ u - np.outer(u.sum(axis=0), u.sum(axis=0)) / len(u))
        np.testing.assert_allclose(law.covariance, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_every_estimand_reads_as_a_sentence_and_back(survey, lang):
    fit = wwm.fit(MODEL, survey)
    made = [wwm.adjusted(fit, "age"), wwm.adjusted(fit, over="balanced"), wwm.raw(survey, "y", "age"), wwm.contrasts(fit, "age")]  # fmt: skip
    for estimates in made:
        (own,) = estimates.estimands
        assert own.text == estimates.table["estimand"].iloc[0]
        sentence = own.sentence(lang, {"age": "LEEFTIJD"})
        assert sentence.endswith(".")
        assert "LEEFTIJD" in sentence


def test_a_penalised_fit_has_its_own_errors_and_what_it_shares_with_raw(survey):
    """On 400 respondents the penalty hardly matters: within 2% the error of adjusted minus raw that the unpenalised fit gives."""
    raw, each = wwm.raw(survey, "y", "age"), np.eye(12)
    gaps: list[np.ndarray] = []
    for penalty in ("", "jeffreys"):
        made = wwm.adjusted(wwm.fit(MODEL, survey, vcov="model", penalty=penalty), "age")
        gaps.append(joint_distribution([(made, each), (raw, -each)]).std_error)
    np.testing.assert_allclose(gaps[1], gaps[0], rtol=0.02)
    assert made.contributions is not None
    np.testing.assert_allclose(np.sqrt(np.diag(covariance(made.contributions))), made.table["std_error"], rtol=1e-9)


def test_separated_answers_leave_no_error_of_adjusted_minus_raw_blank(frame):
    """Nobody aged 50-64 says never, so only the penalised fit exists; its difference from raw has a standard error."""
    gone = frame[~((frame["age"] == "50-64") & (frame["y"] == "never"))].reset_index(drop=True)
    survey = wwm.Survey.from_frame(gone, weight="w")
    fit = wwm.fit(wwm.Model("y ~ age + household", family="multinomial"), survey, penalty="jeffreys")
    made, raw = wwm.adjusted(fit, "age"), wwm.raw(survey, "y", "age")
    std_error = comparison_table(Article(), "total", raw, made)["difference_se"]
    assert (std_error > 0).all()


def _sources(survey, frame) -> dict[str, Estimates]:
    """Tables by two variables whose law comes from everywhere that a law comes from."""
    fit, replicated = (
        wwm.fit(MODEL, survey),
        wwm.replicates(wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit"), "JKn"),
    )
    rng, raw = np.random.default_rng(4), wwm.raw(survey, "y", ["age", "household"])
    drawn = Estimates(
        raw.table, raw.by, np.eye(len(raw.table)), None, rng.dirichlet(np.ones(len(raw.table)), 60), origin="one"
    )
    return {
        "adjusted": wwm.adjusted(fit, ["age", "household"]), "raw": raw, "drawn": drawn,
        "replicated": wwm.raw(replicated, "y", ["age", "household"]),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("of", ["adjusted", "raw", "drawn", "replicated"])
def test_pairs_have_the_law_of_their_matrix(survey, frame, of, kind):
    source = _sources(survey, frame)[of]
    pairs = wwm.contrasts(source, "age", pairwise=True, kind=kind).pairs
    assert pairs is not None
    values = source.table["estimate"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = values[pairs.first], values[pairs.second]
        gradient = (
            np.nan_to_num(np.column_stack([1.0 / two, -one / two**2]))
            if kind == "ratio"
            else np.tile([1.0, -1.0], (len(one), 1))
        )
    matrix = np.zeros((len(one), len(values)))
    matrix[np.arange(len(one)), pairs.first] = gradient[:, 0]
    matrix[np.arange(len(one)), pairs.second] = gradient[:, 1]
    made, expected = law_of_pairs(source, pairs.first, pairs.second, gradient), joint_distribution([(source, matrix)])
    np.testing.assert_allclose(made.std_error, expected.std_error, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(made.freedom.df, expected.freedom.df)
    assert made.freedom.reasons.tolist() == expected.freedom.reasons.tolist()
    np.testing.assert_array_equal(made.covariance, expected.covariance)
    assert (made.contributions is None) == (expected.contributions is None)


def test_many_comparisons_need_no_matrix_of_all_by_all(monkeypatch: pytest.MonkeyPatch):
    """Of 150 levels there are 11,175 pairs for each answer: their covariance would take 4 GB."""
    rng = np.random.default_rng(1)
    people = wwm.Survey.from_frame(
        pd.DataFrame({"g": pd.Categorical(rng.integers(0, 150, 4000).astype(str)), "y": pd.Categorical(rng.choice(["no", "yes"], 4000))}),
        weight=None,
    )  # fmt: skip
    raw = wwm.raw(people, "y", "g")
    monkeypatch.setattr("wwm_models.estimates.joint_distribution.joint_distribution", None)
    made = wwm.contrasts(raw, "g", pairwise=True).table
    assert len(made) == 2 * 150 * 149 // 2
    first, second = (raw.table.loc[raw.table["g"] == level].iloc[0] for level in made["contrast"].iloc[0].split(" - "))
    expected = np.sqrt(first["std_error"] ** 2 + second["std_error"] ** 2)
    np.testing.assert_allclose(made["std_error"].iloc[0], expected, rtol=1e-3)  # of two groups of one sample
    with pytest.raises(AdjustError) as told:
        wwm.contrasts(raw, "g", pairwise=True, simultaneous=True)
    assert str(told.value) == (
        "There are 22,350 comparisons. Expected 5,000 or fewer for limits that hold all of them at once. Compare with one reference level "
        '(contrasts = "reference" in a model file), or name no family of tests.'
    )
