"""What is said of a prior that cannot be: what was found, what was expected, what to do."""

from __future__ import annotations

import pytest

import wwm_models as wwm
from wwm_models.bayes.prior_declarations import read_priors
from wwm_models.errors import DeclarationError, ModelError

MESSAGES = {
    "key": ({"slope": "normal(0, 1)"}, 'priors: unknown key "slope". Known keys: slopes, terms, cutpoints, scale, predictors. Did you mean "slopes"?'),
    "form": ({"slopes": "normal 0 1"}, "priors: `slopes` is 'normal 0 1'. Expected a density with its numbers, such as \"normal(0, 1)\"."),
    "name": (
        {"slopes": "norml(0, 1)"},
        'priors: `slopes = "norml(0, 1)"` names the density "norml". For slopes: normal, student_t, r2d2, flat. Did you mean "normal"?',
    ),
    "count": ({"slopes": "normal(1)"}, 'priors: `slopes = "normal(1)"` has 1 numbers. Expected 2: normal(mean, scale).'),
    "sign": (
        {"slopes": "normal(0, -1)"},
        'priors: `slopes = "normal(0, -1)"` has scale = -1. Expected a number above 0: normal(mean, scale).',
    ),
    "word": ({"cutpoints": "induced_dirichlet(one)"}, 'priors: `cutpoints = "induced_dirichlet(one)"` holds something that is not a number. Expected induced_dirichlet(concentration).'),
    "share": (
        {"slopes": "r2d2(1, 4, 1)"},
        'priors: `slopes = "r2d2(1, 4, 1)"` has mean = 1. Expected the mean of R^2, a number between 0 and 1: r2d2(mean, precision, concentration).',
    ),
    "predictors": (
        {"predictors": "two_sds"},
        "priors: `predictors` is 'two_sds'. Known: two_sd, as_is. Did you mean \"two_sd\"? "
        '"two_sd": a slope is per two standard deviations of a number; "as_is": per unit.',
    ),
    "terms": ({"terms": "normal(0, 1)"}, 'priors: `terms` is \'normal(0, 1)\'. Expected a table, such as { gender = "normal(0, 0.5)" }.'),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_declarations(case):
    table, text = MESSAGES[case]
    with pytest.raises(DeclarationError) as caught:
        read_priors(table)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("options", "priors", "text"),
    [
        ({}, {"terms": {"gendr": "normal(0, 1)"}}, 'priors.terms names "gendr", which is not a term of the model. Terms: age.'),
        (
            {}, {"cutpoints": "normal(0, 1)"},
            '`cutpoints = "normal(0, 1)"`: cut points of the cumulative family must increase. Use "ordered_normal(mean, scale)".',
        ),
        (
            {"family": "stopping"}, {"cutpoints": "ordered_normal(0, 1)"},
            '`cutpoints = "ordered_normal(0, 1)"` is for flexible cut points that must increase; here family = "stopping", '
            'thresholds = "flexible". Use "normal(mean, scale)".',
        ),
        (
            {"thresholds": "equidistant"}, {"cutpoints": "induced_dirichlet(1)"},
            '`cutpoints = "induced_dirichlet(1)"` needs flexible cut points; the model has thresholds = "equidistant". '
            'Use "normal(mean, scale)" for its parameters.',
        ),
        (
            {"nonproportional": ("age",)}, {"slopes": "r2d2(0.3, 4, 1)"},
            '`slopes = "r2d2(0.3, 4, 1)"` is about the share of one latent answer that slopes explain; here slopes belong to single answers. '
            'Use "normal(mean, scale)" or "student_t(df, mean, scale)".',
        ),
        (
            {"formula": "y ~ mo(age)"}, {"slopes": "r2d2(0.3, 4, 1)"},
            'The monotonic term "mo(age)" has the prior r2d2(0.3, 4, 1); the total effect of mo() needs a density of its own. '
            'Declare terms = { "mo(age)" = "normal(0, 1)" }.',
        ),
    ],
)  # fmt: skip
def test_priors_that_do_not_suit_the_model(frame, options, priors, text):
    with pytest.raises(ModelError) as caught:
        wwm.sample(
            wwm.Model(**{"formula": "y ~ age", **options}),
            wwm.Survey.from_frame(frame, weight=None),
            seed=1,
            priors=priors,
        )
    assert str(caught.value) == text
