"""Stata's point and letters in every type of column and version: numbers as pandas reads them, letters by their label."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from wwm_models.survey.codebook import Source
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.read import read_survey

LETTER_FIRST = ["a", 1, 2, 3, 2, 2, 1, 3, 2, 2, 1, 3, 2, 2, 2, None, None, None, None, None]
# how Stata writes a number in a column of a type, its point, and the step from there to .a, .b, ... (help dta, section 5.2)
TYPES: dict[str, tuple[str, int, int]] = {
    "int8": ("b", 101, 1),
    "int16": ("h", 32_741, 1),
    "int32": ("i", 2_147_483_621, 1),
    "float32": ("f", 0x7F000000, 0x800),
    "float64": ("d", 0x7FE0000000000000, 0x010000000000),
}
COLUMNS = {
    "letter first": LETTER_FIRST,
    "point first": [None, "a", 1, None, 2, "z", None, 3],
    "every letter": [None, *(chr(ord("a") + place) for place in range(26)), 4, None],
    "point only": [None, 1, None, 2],
    "letter last": [1, 2, None, 3, "c"],
}


def written(path: Path, values: list[object], kind: str, version: int) -> None:
    """A file of pandas whose numbers are then replaced, byte for byte: pandas writes no letters."""
    code, point, step = TYPES[kind]
    as_integer = {"f": "I", "d": "Q"}.get(code, code)
    plain = np.arange(40, 40 + len(values)).astype(kind)
    pd.DataFrame({"x": plain}).to_stata(path, version=version, write_index=False, byteorder="<")
    packed = [
        struct.pack(f"<{code}", value)
        if isinstance(value, int)
        else struct.pack(f"<{as_integer}", point + (0 if value is None else step * (ord(str(value)) - ord("a") + 1)))
        for value in values
    ]
    before = plain.tobytes()
    content = path.read_bytes()
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, b"".join(packed)))


@pytest.mark.parametrize("version", [114, 117, 118, 119])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("values", COLUMNS.values(), ids=list(COLUMNS))
def test_points_and_letters_are_missing_and_numbers_are_numbers(
    values: list[object], kind: str, version: int, tmp_path: Path
):
    path = tmp_path / "x.dta"
    written(path, values, kind, version)
    (column,) = read_file(path, Source()).columns
    found = [column.cells[place] for place in column.index]
    assert [cell.text for cell in found] == ["" if value is None else str(value) for value in values]
    assert [cell.user_missing for cell in found] == [isinstance(value, str) for value in values]
    by_pandas = pd.read_stata(path, convert_categoricals=False)["x"].to_numpy(dtype=np.float64)
    np.testing.assert_array_equal(column.numbers(), by_pandas)


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_a_letter_before_points_leaves_fourteen_numbers_with_mean_two(version: int, tmp_path: Path):
    frame = pd.DataFrame({"x": LETTER_FIRST, "y": [1.5, None] * 10, "town": ["Gent", ""] * 10})
    labels: dict[str, dict[object, str]] = {"x": {"a": "refused"}}
    pyreadstat.write_dta(
        frame, str(tmp_path / "x.dta"), version=version, missing_user_values={"x": ["a"]}, variable_value_labels=labels
    )
    (tmp_path / "book.toml").write_text('[variables.x]\ncolumn = "x"\nkind = "number"\n', encoding="utf-8")
    survey = read_survey(tmp_path / "x.dta", tmp_path / "book.toml")
    assert survey.frame["x"].count() == 14
    assert survey.frame["x"].mean() == 2.0
    assert survey.missing["x"].tolist() == ["refused", *[""] * 14, *["no answer"] * 5]
