"""Weights, designs and domains that cannot be meant: the whole text of each message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wwm_models.errors import SurveyError, WwmError

REPLY = '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
WEIGHT = '[survey]\nweight = "w"\n'

CASES = [
    pytest.param(
        "reply,w\nno,1\nyes,-1\nno,1\n",
        WEIGHT + REPLY,
        SurveyError,
        (
            'data.csv: Weight "w": 1 of 3 rows are negative (first rows, counted from 1: 2). Expected a number '
            "of zero or more for every respondent. Repair the column, or leave the rows out of the file on "
            "purpose."
        ),
        id="negative weight",
    ),
    pytest.param(
        "reply,w\nno,1\nyes,\nno,1\n",
        WEIGHT + REPLY,
        SurveyError,
        (
            'data.csv: Weight "w": 1 of 3 rows are missing or not a finite number (first rows, counted from 1: '
            "2). Expected a number of zero or more for every respondent. Repair the column, or leave the rows "
            "out of the file on purpose."
        ),
        id="missing weight",
    ),
    pytest.param(
        "reply,w\nno,0\nyes,0\n",
        WEIGHT + REPLY,
        SurveyError,
        'data.csv: Weight "w": all 2 weights are zero, so nobody counts. Name another column, or no weight.',
        id="all weights zero",
    ),
    pytest.param(
        "reply,w\nno,1\nyes,1\n",
        '[survey]\nweight = "v"\n' + REPLY,
        SurveyError,
        (
            'data.csv: there is no column "v", which codebook.toml, [survey], `weight` names. The file has 2 '
            "columns: 'reply', 'w'. Write the header exactly as it stands in the file."
        ),
        id="absent weight column",
    ),
    pytest.param(
        "reply,w\nno,1\nyes,0.5\nno,1.5\nyes,99\nno,99\n",
        WEIGHT + REPLY,
        SurveyError,
        (
            'data.csv: weight "w" is 99 in 2 of 5 rows (first rows, counted from 1: 4, 5); the largest other '
            "weight is 1.5. Expected weights, not codes for a missing weight. If 99 means that the weight is "
            "missing, write in [survey] of codebook.toml: `weight_missing_codes = [99]` (these rows then leave "
            "the domain and are counted); if it is a weight, write `accept_extreme_weights = true`."
        ),
        id="99 among weights",
    ),
    pytest.param(
        "reply,w\nno,1\nyes,0.5\nno,1.5\nyes,9\nno,9\n",
        WEIGHT + REPLY,
        SurveyError,
        (
            'data.csv: weight "w" is 9 in 2 of 5 rows (first rows, counted from 1: 4, 5); the largest other '
            "weight is 1.5. Expected weights, not codes for a missing weight. If 9 means that the weight is "
            "missing, write in [survey] of codebook.toml: `weight_missing_codes = [9]` (these rows then leave "
            "the domain and are counted); if it is a weight, write `accept_extreme_weights = true`."
        ),
        id="9 twice among weights",
    ),
    pytest.param(
        (
            ""
            "reply,w\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1\nyes,1\nno,1000000000.0\n"
        ),
        WEIGHT + REPLY,
        SurveyError,
        (
            'data.csv: weight "w": 1 of 21 rows (first rows, counted from 1: 21) hold more than 5 percent of the '
            "total weight of the 21 respondents in the domain; the largest, 1e+09, is 100.0% of it and 21.0 "
            "times the mean. Expected no respondent to decide the result. Repair the weight, declare it in "
            "[survey] of codebook.toml as `weight_missing_codes = [1000000000]`, or write "
            "`accept_extreme_weights = true`."
        ),
        id="one respondent decides",
    ),
    pytest.param(
        "reply,s\nno,1\nyes,\n",
        '[survey]\nstrata = "s"\n' + REPLY,
        SurveyError,
        (
            'data.csv: Design column "s": 1 of 2 rows are missing. Expected a stratum or sampling unit for every '
            "respondent. Repair the column, or leave the rows out of the file on purpose."
        ),
        id="missing stratum",
    ),
    pytest.param(
        'reply\nno\n""\n',
        "[universe]\nall = [\"reply == 'yes'\"]\n" + REPLY,
        SurveyError,
        (
            "codebook.toml, [universe]: none of the 2 rows is left (not true: reply == 'yes': 1; not known: "
            "reply == 'yes': 1). Expected some respondents whom the study is about. Repair the condition that "
            "leaves out too many."
        ),
        id="nobody left",
    ),
]


@pytest.mark.parametrize(("data", "codebook", "error", "expected"), CASES)
def test_the_message(
    refused: Callable[[str | bytes, str, type[WwmError]], str],
    data: str | bytes,
    codebook: str,
    error: type[WwmError],
    expected: str,
):
    assert refused(data, codebook, error) == expected
