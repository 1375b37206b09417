"""What raking says of margins that no weights can meet."""

from __future__ import annotations

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import SurveyError


@pytest.fixture
def schools() -> wwm.Survey:
    frame = pd.DataFrame(
        {
            "stype": pd.Categorical(["E", "H", "M", "E"]),
            "wide": pd.Categorical(["No", "Yes", "Yes", "Yes"]),
            "pw": [1.0, 2.0, 1.0, 2.0],
        }
    )
    return wwm.Survey.from_frame(frame, weight="pw")


def test_a_level_without_a_margin_is_named(schools):
    with pytest.raises(SurveyError, match='Margin "stype" does not cover the level H of the sample'):
        wwm.rake(schools, {"stype": {"E": 4421, "M": 1018}})


def test_margins_of_different_populations_are_named(schools):
    with pytest.raises(SurveyError, match=r"different population sizes: stype 6194, wide 6000"):
        wwm.rake(schools, {"stype": {"E": 4421, "H": 755, "M": 1018}, "wide": {"No": 1000, "Yes": 5000}})
