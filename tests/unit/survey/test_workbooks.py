"""Cells of a workbook that hold no value of their own are refused, not read as empty."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.formats.registry import read_file


def workbook(path: Path, rows: list[list[object]], merged: str = "") -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merged:
        book.active.merge_cells(merged)
    book.save(path)
    return path


def with_results(path: Path, change: dict[str, str]) -> Path:
    """Put results into the cells of a workbook as programs store them: openpyxl stores none."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    for cell, (opening, value) in {cell: text.split("|") for cell, text in change.items()}.items():
        sheet, times = re.subn(
            rf'<c r="{cell}"[^>]*>(<f>[^<]*</f>)<v ?/?>(</v>)?</c>', rf'<c r="{cell}"{opening}>\1{value}</c>', sheet
        )
        assert times == 1
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


ROWS: list[list[object]] = [["age", "answer"], [31, "=A2*2"], [40, '=IF(A3>30,"yes","no")'], [25, "=A4"]]


def test_formulas_without_a_stored_result_are_refused_by_cell(tmp_path: Path):
    path = workbook(tmp_path / "data.xlsx", ROWS)
    with pytest.raises(SurveyError) as refused:
        read_file(path, Source())
    assert str(refused.value) == (
        f"{path}: 3 of 3 formulas have no stored result (cells B2, B3, B4). Expected values: formulas are not computed here. Open the workbook "
        "in the program it is of and save it there, or save the sheet as csv."
    )


@pytest.mark.parametrize(
    ("last", "text"),
    [
        ("|<v>25</v>", "25"),
        (' t="str"|<v></v>', ""),
        (' t="str"|<v/>', ""),
        (' t="str"|<v>yes</v>', "yes"),
        (' t="e"|<v>#N/A</v>', "#N/A"),
        (' t="e"|<v>#DIV/0!</v>', "#DIV/0!"),
        (' t="b"|<v>1</v>', "true"),
    ],
)
def test_stored_results_are_read_as_they_stand(last: str, text: str, tmp_path: Path):
    path = with_results(
        workbook(tmp_path / "data.xlsx", ROWS), {"B2": "|<v>62</v>", "B3": ' t="str"|<v>yes</v>', "B4": last}
    )
    column = read_file(path, Source()).columns[1]
    assert [column.cells[place].text for place in column.index] == ["62", "yes", text]


def test_one_formula_without_a_result_among_others_is_named(tmp_path: Path):
    path = with_results(workbook(tmp_path / "data.xlsx", ROWS), {"B2": "|<v>62</v>", "B4": "|<v>25</v>"})
    with pytest.raises(SurveyError, match=r"1 of 3 formulas have no stored result \(cells B3\)\. Expected values"):
        read_file(path, Source())


def test_merged_cells_below_the_header_are_refused(tmp_path: Path):
    path = workbook(tmp_path / "data.xlsx", [["town", "x"], ["Gent", 1], [None, 2], ["Breda", 3]], merged="A2:A3")
    with pytest.raises(SurveyError) as refused:
        read_file(path, Source())
    assert str(refused.value) == (
        f"{path}: the sheet has 1 merged ranges below the header (A2:A3). Expected a value in every cell: only the first of merged cells has "
        "one. Unmerge them, and fill in what they share."
    )
    header = workbook(tmp_path / "header.xlsx", [["town", None], ["Gent", 1]], merged="A1:B1")
    with pytest.raises(SurveyError, match="to the right of the 1 columns of the header"):
        read_file(header, Source())


def test_hidden_rows_are_read_like_others(tmp_path: Path):
    book = openpyxl.Workbook()
    for row in (["x"], [1], [2]):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    book.save(tmp_path / "data.xlsx")
    assert read_file(tmp_path / "data.xlsx", Source()).rows == 2
