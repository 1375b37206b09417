"""Cases whose printed answer is that there is none, or not all of it: what the program must say then."""

from __future__ import annotations

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.errors import RankError, SeparationError


def test_wine_separation_names_variable_answers_and_counts(case):
    """Christensen (2022), section 4.9: ordinal::clm prints estimates of 20 and standard errors that are missing."""
    survey = case("wine_separation").survey
    with pytest.raises(SeparationError) as caught:
        wwm.fit(wwm.Model("rating_comb3 ~ temp"), survey)
    assert str(caught.value) == (
        'Outcome "rating_comb3", cumulative family: the answers are separated by temp, so these coefficients are infinite: '
        '2-4|5, temp[warm]. "5" never occurs where temp = cold (0 of 36 rows). "1" never occurs where temp = warm (0 of 36 rows). '
        'Merge answers or levels, leave the term out, or ask for a penalised fit (penalty = "jeffreys"), which is labelled as such.'
    )


def test_soup_rank_deficiency_names_the_column_and_the_empty_cell(case):
    survey = case("soup_rank_deficient").survey
    with pytest.raises(RankError) as caught:
        wwm.fit(wwm.Model("SURENESS ~ PRODID * DAY"), survey)
    assert str(caught.value) == (
        'The formula "PRODID * DAY" has 1 column(s) that the others determine: PRODID[3]:DAY[2]. '
        "Without respondents: PRODID = 3 with DAY = 2: 0 rows. "
        'Leave the term out, or merge levels: of a study, in its codebook. In Python, aliased="drop" drops these columns by name.'
    )


def test_soup_dropped_column_is_named_in_the_fit(case):
    fit = case("soup_rank_deficient").fit("main")
    assert fit.design.dropped == ("PRODID[3]:DAY[2]",)
    assert fit.warnings == ("Columns dropped because others determine them: PRODID[3]:DAY[2].",)


def test_empty_middle_category_keeps_its_place(case):
    """Firth's example in MASS/tests/polr.R: the second of three answers was never given."""
    stored = case("empty_middle_category_firth")
    fit = stored.fit("main")
    assert fit.warnings == ('Answer "2" of y: 0 of 40 rows (with weight); it keeps its place with probability 0.',)
    assert fit.status == "ok"
    assert list(fit.params.index) == ["1|2", "2|3", "group[2]"]
    np.testing.assert_allclose(fit.params["1|2"], fit.params["2|3"], rtol=1e-12)
    table = wwm.adjusted(fit, "group").table
    assert table["category"].to_list() == ["1", "2", "3"] * 2
    np.testing.assert_allclose(table["estimate"].to_numpy()[[1, 4]], 0.0, atol=0.0)
    np.testing.assert_allclose(table["std_error"].to_numpy()[[1, 4]], 0.0, atol=0.0)
    assert list(wwm.predict(fit, stored.survey.frame).columns) == ["1", "2", "3"]


def test_every_number_left_out_says_why(case):
    """A number of a case that is not checked is listed with its reason; nothing is left out in silence."""
    from pathlib import Path

    for path in sorted(Path(__file__).parent.glob("*/expected.json")):
        left_out = case(path.parent.name).stored["not_checked"]
        assert bool(left_out["ids"]) == bool(left_out["why"]), path.parent.name
