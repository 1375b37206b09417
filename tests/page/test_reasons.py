"""Why a number has no interval stands in the tables of a run, and under the tables of its page in every language; of a suppressed group nothing does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.messages import collected, say
from wwm_models.report.figures import comparison_of
from wwm_models.report.page import render_page
from wwm_models.report.text import Labels
from wwm_models.study.result_tables import FLAT, FLAT_CONTRASTS, _raw_rows, flat

ONE = "cannot be estimated, since all respondents are in one sampling unit"
NONE = "cannot be estimated, since there are no respondents"


def estimates() -> dict[str, wwm.Estimates]:
    """Group a is spread over units, b inside one, and nobody is in c."""
    n = 60
    frame = pd.DataFrame(
        {
            "y": pd.Categorical(["no", "yes", "yes"] * 20, ["no", "yes"], ordered=True),
            "g": pd.Categorical(["a"] * 40 + ["b"] * 20, ["a", "b", "c"]),
            "psu": [at // 5 for at in range(40)] + [99] * 20,
        }
    )
    assert len(frame) == n
    survey = wwm.Survey.from_frame(frame, weight=None, psu="psu")
    raw = wwm.raw(survey, "y", by="g")
    return {"raw": raw, "contrasts": wwm.contrasts(raw, "g")}


def test_reasons_are_a_column_of_the_tables():
    found = estimates()
    table = flat(found["raw"])
    assert tuple(table.columns) == FLAT
    assert dict(zip(table["group"], table["reason"], strict=True)) == {"g=a": "", "g=b": ONE, "g=c": NONE}
    contrasts = flat(found["contrasts"], FLAT_CONTRASTS)
    assert tuple(contrasts.columns) == FLAT_CONTRASTS
    assert set(contrasts["reason"]) == {ONE, NONE}


def test_of_a_suppressed_group_nothing_is_said():
    table = _raw_rows(estimates()["raw"], 25)
    assert dict(zip(table["group"], table["reason"], strict=True)) == {"g=a": "", "g=b": "", "g=c": NONE}


@pytest.mark.parametrize("table", ["raw", "adjusted"])
def test_a_table_of_the_page_says_why_in_every_language(make, table: str):
    made = make()
    row = next(
        row for row in comparison_of(Labels(made)).rows if row["by"] == "age_group" and row["model"] == "desired"
    )
    place = {name: row[name] for name in ("by", "group", "outcome", "category")}
    given = pd.DataFrame([{"model": "desired" if table == "adjusted" else np.nan, **place, "reason": ONE}])
    with collected() as found:
        assert say("one_unit") == ONE
    page = render_page(dataclasses.replace(made, tables={**made.tables, table: given}, messages=found))
    kind = {"raw": ("raw", "ruw"), "adjusted": ("adjusted", "gecorrigeerd")}[table]
    assert f"{kind[0]}: {ONE}" in page
    assert f"{kind[1]}: niet te schatten, want alle respondenten zitten in een steekproefeenheid" in page
    assert ONE not in render_page(made)
