"""Cells the codebook does not know, and numbers that are no numbers: the whole text of each message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wwm_models.errors import SurveyError, WwmError

REPLY = '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
NUMBER = '[variables.x]\ncolumn = "x"\nkind = "number"\n'

CASES = [
    pytest.param(
        "reply\nno\nmaybe\nyes\nmaybe\n",
        REPLY,
        SurveyError,
        (
            'data.csv: variable "reply" (column "reply") has 1 answer that the codebook does not know: "maybe" '
            "in 2 of 4 rows (first rows, counted from 1: 2, 4). Expected 'no' for \"no\", 'yes' for \"yes\". Add it "
            "to the level it belongs to, or leave it out for a reason: in codebook.toml, [variables.reply], "
            'write `missing = [ { text = ["maybe"], reason = "..." } ]`.'
        ),
        id="undeclared text",
    ),
    pytest.param(
        "reply\nno\nNone\nyes\n",
        REPLY,
        SurveyError,
        (
            'data.csv: variable "reply" (column "reply") has 1 answer that the codebook does not know: "None" in '
            "1 of 3 rows (first rows, counted from 1: 2). Expected 'no' for \"no\", 'yes' for \"yes\". Add it to the "
            "level it belongs to, or leave it out for a reason: in codebook.toml, [variables.reply], write "
            '`missing = [ { text = ["None"], reason = "..." } ]`.'
        ),
        id="the text None is no missing value",
    ),
    pytest.param(
        "reply\n1\n2\n9\n",
        (
            '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no", codes = [1] }, { id '
            '= "yes", codes = [2] }]\n'
        ),
        SurveyError,
        (
            'data.csv: variable "reply" (column "reply") has 1 answer that the codebook does not know: "9" in 1 '
            'of 3 rows (first rows, counted from 1: 3). Expected 1 for "no", 2 for "yes". Add it to the level it '
            "belongs to, or leave it out for a reason: in codebook.toml, [variables.reply], write `missing = [ { "
            'codes = [9], reason = "..." } ]`.'
        ),
        id="undeclared code",
    ),
    pytest.param(
        "reply\nno\n  \nyes\n",
        REPLY,
        SurveyError,
        (
            'data.csv: variable "reply" (column "reply") has 1 answer that the codebook does not know: "  " in 1 '
            "of 3 rows (first rows, counted from 1: 2). Expected 'no' for \"no\", 'yes' for \"yes\". Add it to the "
            "level it belongs to, or leave it out for a reason: in codebook.toml, [variables.reply], write "
            '`missing = [ { text = ["  "], reason = "..." } ]`.'
        ),
        id="a cell of white space",
    ),
    pytest.param(
        "x\n1\n2\nmany\n",
        NUMBER,
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "many" in 1 of 3 rows (first rows, counted from 1: 3). '
            "Expected numbers. If it is no number, write in codebook.toml, [variables.x]: `missing = [ { text = "
            '["many"], reason = "..." } ]`; else repair the file.'
        ),
        id="a text among numbers",
    ),
    pytest.param(
        "x\n18\n19\n20\n21\n44\n99\n99\n",
        NUMBER,
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "99" in 2 of 7 rows (first rows, counted from 1: 6, 7), '
            "apart from all other values (18 to 44). Expected no codes for missing answers among the numbers. If "
            'it is no number, write in codebook.toml, [variables.x]: `missing = [ { codes = [99], reason = "..." '
            "} ]`; else repair the file. If it is a real number, write `maximum = 99`."
        ),
        id="99 among ages",
    ),
    pytest.param(
        "x\n0\n1\n2\n-8\n",
        NUMBER,
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "-8" in 1 of 4 rows (first rows, counted from 1: 4), '
            "apart from all other values (0 to 2). Expected no codes for missing answers among the numbers. If "
            'it is no number, write in codebook.toml, [variables.x]: `missing = [ { codes = [-8], reason = "..." '
            "} ]`; else repair the file. If it is a real number, write `minimum = -8`."
        ),
        id="-8 among counts",
    ),
    pytest.param(
        "x\n0\n1\n30\n",
        NUMBER + "minimum = 0\nmaximum = 20\n",
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "30" in 1 of 3 rows (first rows, counted from 1: 3). '
            "Expected numbers of 0 or more and 20 or less. If it is no number, write in codebook.toml, "
            '[variables.x]: `missing = [ { codes = [30], reason = "..." } ]`; else repair the file.'
        ),
        id="above the maximum",
    ),
    pytest.param(
        "x\n0\n1\n-3\n",
        NUMBER + "minimum = 0\n",
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "-3" in 1 of 3 rows (first rows, counted from 1: 3). '
            "Expected numbers of 0 or more. If it is no number, write in codebook.toml, [variables.x]: `missing "
            '= [ { codes = [-3], reason = "..." } ]`; else repair the file.'
        ),
        id="below the minimum",
    ),
    pytest.param(
        "x\n1960\n1970\n1980\n9999\n",
        NUMBER + "birth_year_in = 2021\n",
        SurveyError,
        (
            'data.csv: variable "x" (column "x") holds "9999" in 1 of 4 rows (first rows, counted from 1: 4), '
            "apart from all other values (1960 to 1980). Expected no codes for missing answers among the "
            "numbers. If it is no number, write in codebook.toml, [variables.x]: `missing = [ { codes = [9999], "
            'reason = "..." } ]`; else repair the file.'
        ),
        id="a birth year of 9999",
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
