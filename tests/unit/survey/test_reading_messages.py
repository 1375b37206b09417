"""Data files that cannot be read, and columns that are not there: the whole text of each message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wwm_models.errors import DeclarationError, SurveyError, WwmError

REPLY = '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'

CASES = [
    pytest.param(
        "",
        REPLY,
        SurveyError,
        "data.csv: the file is empty. Expected a header and at least one row. Give the right file.",
        id="empty file",
    ),
    pytest.param(
        "reply\n",
        REPLY,
        SurveyError,
        "data.csv: the file has 1 column and no rows. Expected at least one respondent. Give the right file.",
        id="header only",
    ),
    pytest.param(
        "\nno\n",
        REPLY,
        SurveyError,
        "data.csv: the first line is empty. Expected the names of the columns. Remove empty lines at the top.",
        id="empty first line",
    ),
    pytest.param(
        "reply,x\nno,1\nyes\nno,1,2\n",
        REPLY,
        SurveyError,
        (
            "data.csv: 2 of 3 rows do not have the 2 cells of the header (counted from 1 below the header: row 2 "
            "has 1, row 3 has 3). Expected the same number in every row. Look for a delimiter inside an answer "
            "that is not between quotes, or a row that was cut off."
        ),
        id="ragged rows",
    ),
    pytest.param(
        'reply,x\nno,"1\nyes,2\n',
        REPLY,
        SurveyError,
        (
            "data.csv: line 3 cannot be read: unexpected end of data. Expected cells between delimiters, with "
            "quotes in pairs. Repair that line, or the quote that opens before it."
        ),
        id="open quote",
    ),
    pytest.param(
        b"naam,reply\nAn,no\nZo\xeb,yes\n",
        REPLY,
        SurveyError,
        (
            'data.csv: byte 0xeb in row 2, counted from 1 below the header, column 1 ("naam"), is not utf-8. '
            "Expected the whole file in the declared encoding. It is probably cp1252: write `encoding = "
            '"cp1252"` in [source] of the codebook, or save the file as utf-8.'
        ),
        id="wrong encoding",
    ),
    pytest.param(
        b"\xe9\xe9n,reply\nAn,no\n",
        REPLY,
        SurveyError,
        (
            "data.csv: byte 0xe9 in the header, column 1, is not utf-8. Expected the whole file in the declared "
            'encoding. It is probably cp1252: write `encoding = "cp1252"` in [source] of the codebook, or save '
            "the file as utf-8."
        ),
        id="wrong encoding in the header",
    ),
    pytest.param(
        b"\xff\xfer\x00e\x00p\x00l\x00y\x00\n\x00n\x00o\x00\n\x00y\x00e\x00s\x00\n\x00",
        REPLY,
        SurveyError,
        (
            "data.csv: byte 0xff in the header, column 1, is not utf-8. Expected the whole file in the declared "
            'encoding. It is probably utf-16: write `encoding = "utf-16"` in [source] of the codebook, or save '
            "the file as utf-8."
        ),
        id="utf-16",
    ),
    pytest.param(
        b"r\x00e\x00p\x00l\x00y\x00\n\x00n\x00o\x00\n\x00y\x00e\x00s\x00\n\x00",
        REPLY,
        SurveyError,
        (
            "data.csv: the text has NUL characters when read as utf-8. Expected none in a text file. The file is "
            'probably UTF-16: write `encoding = "utf-16"` in [source], or save it as UTF-8.'
        ),
        id="utf-16 without a mark",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[source]\nencoding = "utf-9"\n' + REPLY,
        DeclarationError,
        (
            'data.csv: the declared encoding "utf-9" is not known. Expected a name such as utf-8, cp1252 '
            "(Windows, western Europe), latin-1 or utf-16. Repair `encoding` in [source]."
        ),
        id="unknown encoding",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[source]\nsha256 = "0000000000000000000000000000000000000000000000000000000000000000"\n' + REPLY,
        SurveyError,
        (
            "data.csv: the file has SHA-256 94cc75cb32dd971d4ebcec685fe95566834a7596bfc9fdf5f1c49d25a1aa971d, "
            "the codebook is locked to 0000000000000000000000000000000000000000000000000000000000000000. "
            "Expected the file the codebook was made for. Give that file, or, if the change is meant, run `wwm "
            "codebook lock` again."
        ),
        id="locked to another file",
    ),
    pytest.param(
        "replies\nno\n",
        REPLY,
        SurveyError,
        (
            'data.csv: there is no column "reply", which codebook.toml, [variables.reply] names. The file has 1 '
            "column: 'replies'. Did you mean \"replies\"? Write the header exactly as it stands in the file."
        ),
        id="absent column",
    ),
    pytest.param(
        "Reply \nno\n",
        REPLY,
        SurveyError,
        (
            'data.csv: there is no column "reply", which codebook.toml, [variables.reply] names. A column '
            "differs only in white space or capitals: the file has 'Reply ', the codebook has 'reply'. Write the "
            "header exactly as it stands in the file."
        ),
        id="column with other white space",
    ),
    pytest.param(
        "reply;x\nno;1\n",
        REPLY,
        SurveyError,
        (
            'data.csv: with the delimiter "," the first 2 lines do not have equal columns, two or more; with ";" each has 2. '
            'Expected the delimiter of the file. Write `delimiter = ";"` in [source] of the codebook.'
        ),
        id="another delimiter",
    ),
    pytest.param(
        "reply,x,reply\nno,1,no\n",
        REPLY,
        SurveyError,
        (
            'data.csv: 2 columns are named "reply" (positions 1, 3), and codebook.toml, [variables.reply] names '
            "that column. Expected names that occur once. Rename one of them in the file, or, for a variable, "
            "say which is meant with `position = 1`."
        ),
        id="column named twice",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.reply]\nposition = 2\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n',
        SurveyError,
        (
            "data.csv: codebook.toml, [variables.reply] asks for position 2, and the file has 1 column. Expected "
            "a position from 1 to 1, the first column of the file being 1. Repair the position."
        ),
        id="position out of range",
    ),
    pytest.param(
        "id,reply\n7,no\n7,yes\n8,no\n",
        '[source]\nid = "id"\n' + REPLY,
        SurveyError,
        (
            'data.csv: the id column "id" has 1 id in more than one row: 7 (2 times); the file has 3 rows. '
            "Expected one row for every respondent. Remove the repeated rows, or name another column as `id`."
        ),
        id="repeated ids",
    ),
    pytest.param(
        "id,reply\n7,no\n,yes\n",
        '[source]\nid = "id"\n' + REPLY,
        SurveyError,
        (
            'data.csv: the id column "id" is empty in 1 of 2 rows (first rows, counted from 1: 2). Expected an '
            "id for every respondent. Fill the column, or remove `id` from [source]."
        ),
        id="empty id",
    ),
    pytest.param(
        "note,reply\nSYNTHETIC,no\n,yes\n",
        REPLY,
        SurveyError,
        (
            'data.csv: the column "note" says SYNTHETIC in 1 of 2 rows (first rows, counted from 1: 1) and '
            "something else in the others. Expected all rows or none to be invented. Separate them into two "
            "files."
        ),
        id="half synthetic",
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
