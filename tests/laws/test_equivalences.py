"""Models that are the same model under another name must give the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

import wwm_models as wwm
from wwm_models.models.model import FAMILIES

FORMULA = "y ~ age + household + x"
YES_NO = ("no", "yes")


def probabilities(fit):
    return wwm.adjusted(fit, "age").table["estimate"].to_numpy()


def with_link(family, link):
    return wwm.Model(FORMULA, family=family, link=link)


@pytest.fixture
def yes_no(respondents):
    return wwm.Survey.from_frame(respondents(answers=YES_NO), weight=None)


def test_two_answers_are_the_binomial_logit(logit_response, yes_no):
    """Slopes move answers upwards, intercepts carry the family's declared sign; as statsmodels' binomial GLM."""
    fit = wwm.fit(logit_response.model(FORMULA), yes_no)
    dummies = wwm.fit(with_link("cumulative", "logit"), yes_no).design.build(yes_no.frame).array[:, 0, 1:] * -1.0
    outcome = (yes_no.frame["y"] == "yes").to_numpy(dtype=float)
    glm = sm.GLM(outcome, sm.add_constant(dummies), family=sm.families.Binomial()).fit(tol=1e-14)
    sign = 1.0 if fit.family.cut_names == "intercepts" else -1.0
    expected = glm.params * np.concatenate([[sign], np.ones(dummies.shape[1])])
    np.testing.assert_allclose(fit.params, expected, rtol=1e-7)  # statsmodels stops on its deviance
    np.testing.assert_allclose(fit.std_errors, glm.bse, rtol=1e-7)
    np.testing.assert_allclose(fit.loglik, glm.llf, rtol=1e-12)


def test_two_answers_make_all_families_one(response, yes_no):
    """P(no) = F(cut - x b) for every link; the continuation family declares F for "yes", so its link is reflected."""
    goes_on = response.family.slope_sign > 0 and len(response.family.links) > 1
    name = response.link.reflection if goes_on else response.link.name
    fit, reference = (
        wwm.fit(response.model(FORMULA), yes_no),
        wwm.fit(with_link("cumulative", name), yes_no),
    )
    np.testing.assert_allclose(fit.loglik, reference.loglik, rtol=1e-12)
    np.testing.assert_allclose(probabilities(fit), probabilities(reference), rtol=1e-8)
    np.testing.assert_allclose(fit.params.to_numpy()[1:], reference.params.to_numpy()[1:], rtol=1e-7, atol=1e-8)


def test_reading_backwards_gives_the_declared_partner(response, survey):
    """reverse=True with link L fits as the declared partner with the reflection of L reads forwards."""
    backwards = wwm.fit(response.model(FORMULA, reverse=True), survey)
    if not response.family.reverse_partner:
        assert all(abs(fit.loglik - backwards.loglik) > 1e-6 for fit in candidates(response, survey)), "declare it"
        return
    forwards = wwm.fit(with_link(response.family.reverse_partner, response.link.reflection), survey)
    np.testing.assert_allclose(backwards.loglik, forwards.loglik, rtol=1e-12)
    one, two = wwm.adjusted(backwards, "age"), wwm.adjusted(forwards, "age")
    np.testing.assert_allclose(one.table["estimate"], two.table["estimate"], rtol=1e-8)
    np.testing.assert_allclose(one.table["std_error"], two.table["std_error"], rtol=1e-7)
    assert one.table["category"].to_list() == two.table["category"].to_list()
    if response.family.parallel:
        assert list(backwards.params.index[:3]) == ["daily|often", "often|rarely", "rarely|never"]
        there = np.concatenate([forwards.params.to_numpy()[2::-1], forwards.params.to_numpy()[3:]])
        np.testing.assert_allclose(backwards.params.to_numpy(), -there, rtol=1e-7, atol=1e-8)


def candidates(response, survey):
    """Fits with the link and its reflection, read forwards, by the families that could be a partner.

    The cumulative family cannot be declared as one: it equals the stopping family for the cloglog alone.
    """
    links = {response.link.name, response.link.reflection}
    families = [family for family in FAMILIES.values() if not family.ordered_cuts]
    return [wwm.fit(with_link(f.name, link), survey) for f in families for link in links if link in f.links]


def test_stopping_is_cumulative_for_the_cloglog(survey):
    """Proportional hazards, grouped or not.

    References
    ----------
    Laara, E. and Matthews, J. N. S. (1985). The equivalence of two models for ordinal data. Biometrika 72, 206-207.
    """
    stopping, cumulative = (wwm.fit(with_link(name, "cloglog"), survey) for name in ("stopping", "cumulative"))
    np.testing.assert_allclose(stopping.loglik, cumulative.loglik, rtol=1e-12)
    np.testing.assert_allclose(stopping.params.to_numpy()[3:], cumulative.params.to_numpy()[3:], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(stopping.std_errors.to_numpy()[3:], cumulative.std_errors.to_numpy()[3:], rtol=1e-6)
    np.testing.assert_allclose(probabilities(stopping), probabilities(cumulative), rtol=1e-8)


@pytest.mark.parametrize("link", FAMILIES["stopping"].links)
def test_stopping_is_continuation_with_the_reflected_link(link, survey):
    one = wwm.fit(with_link("stopping", link), survey)
    two = wwm.fit(with_link("continuation", one.link.reflection), survey)
    np.testing.assert_allclose(one.loglik, two.loglik, rtol=1e-12)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-6, atol=1e-10)
    shares = [wwm.adjusted(each, "age").table["estimate"] for each in (one, two)]
    np.testing.assert_allclose(*shares, rtol=1e-7)


@pytest.mark.parametrize("baseline", ["never", "rarely", "often", "daily"])
def test_multinomial_does_not_depend_on_its_baseline(baseline, survey):
    first = wwm.fit(wwm.Model(FORMULA, family="multinomial"), survey)
    other = wwm.fit(wwm.Model(FORMULA, family="multinomial", baseline=baseline), survey)
    np.testing.assert_allclose(other.loglik, first.loglik, rtol=1e-12)
    one, two = wwm.adjusted(first, "age"), wwm.adjusted(other, "age")
    np.testing.assert_allclose(two.table["estimate"], one.table["estimate"], rtol=1e-9)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=0, atol=1e-9 * np.abs(one.covariance).max())
    if baseline != "never":
        np.testing.assert_allclose(other.params["x:never"], -first.params[f"x:{baseline}"], rtol=1e-8)


def test_all_slopes_nonproportional_adjacent_is_multinomial(survey):
    """With a slope of its own for every step, adjacent logits are differences of baseline logits."""
    adjacent = wwm.fit(wwm.Model("y ~ age + x", family="adjacent", nonproportional=("age", "x")), survey)
    multinomial = wwm.fit(wwm.Model("y ~ age + x", family="multinomial"), survey)
    np.testing.assert_allclose(adjacent.loglik, multinomial.loglik, rtol=1e-12)
    np.testing.assert_allclose(
        adjacent.params["x:rarely|often"], multinomial.params["x:often"] - multinomial.params["x:rarely"], rtol=1e-8
    )
