"""Every exported figure and table read back from its file: numbers, headings and places are those of the csv."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.page import read_back as back
from tests.page.read_tables import read_table_file

from wwm_models.report.report_files import write_report
from wwm_models.results.atomic_files import write_table
from wwm_models.results.results import write_labels
from wwm_models.study.model_files import bundled_study
from wwm_models.study.run import run_study

FORMATS = (".md", ".tex", ".html", ".docx")
# Figures that the study does not declare are one per outcome, or the outcomes with the same answers together.
REAL = {"gss2018": "gss2018.sav", "nsw2020": "nsw_rws/2020_rws.csv", "nsw2021": "nsw_rws/2021_rws.csv"}


@pytest.fixture(scope="module")
def written(tmp_path_factory, make):
    """The run of the other page tests, written in both languages, with its csv tables beside it."""

    def whole(results, name):
        folder = tmp_path_factory.mktemp(name)
        for table, rows in results.tables.items():
            write_table(rows, folder / f"{table}.csv")
        write_labels(results, folder)
        write_report(results, folder)
        return folder

    return whole


@pytest.fixture(
    scope="module", params=["a matrix whose first row lacks a group", "a posterior alone", "a matrix of one group"]
)
def folder(request, written, make):
    """Runs in either language whose figures have every kind of panel."""
    if request.param == "a posterior alone":
        return written(
            _without(make(lang="en"), lambda rows: rows["model"].isna(), adjusted_likelihood=float("nan")), "bayes"
        )
    groups = ["age_group=35-49"] if "lacks" in request.param else ["age_group=35-49", "age_group=50-64"]
    models = (
        ["autonomy_direction"] if "lacks" in request.param else ["desired", "autonomy_direction", "relations_direction"]
    )
    return written(
        _without(make(bayes=False), lambda rows: rows["model"].isin(models) & rows["group"].isin(groups)), "nl"
    )


def _without(results, out, **values):
    table = results.tables["comparison"]
    table = table[~out(table)].reset_index(drop=True).assign(**values)
    return replace(results, tables={**results.tables, "comparison": table})


def test_every_panel_of_every_figure_shows_the_numbers_of_the_csv(folder):
    _check_figures(folder)


def test_every_table_in_every_format_holds_the_numbers_of_the_csv(folder):
    _check_tables(folder)


@pytest.mark.slow
def test_the_figures_and_tables_of_the_demo_are_those_of_its_csv(demo):
    assert _check_figures(demo) == {"figure-1": 72, "figure-2": 261, "figure-3": 32}
    assert _check_tables(demo) > 2000


@pytest.mark.slow
@pytest.mark.parametrize("study", REAL)
def test_the_figures_and_tables_of_a_real_study_are_those_of_its_csv(study, real_data, tmp_path):
    data = real_data / REAL[study]
    run_study(bundled_study(study), data=data, out=tmp_path / "run", lang="en")
    assert _check_figures(tmp_path / "run")
    assert _check_tables(tmp_path / "run") > 100


def _check_figures(folder: Path) -> dict[str, int]:
    """Numbers compared per figure."""
    study = back.Study(folder)
    declared = back.declared_figures(study) or back.suggested_figures(study)
    found = {
        name: back.check_figure(back.sheets_of(folder / "figures", name), study, *of) for name, of in declared.items()
    }
    drawn = sorted((folder / "figures").glob("*.svg"))
    assert {path.stem for path in drawn} == {
        path.stem for name in declared for path in back.sheets_of(folder / "figures", name)
    }
    for path in drawn:
        back.check_picture(path)
    return found


def _check_tables(folder: Path) -> int:
    """How many numbers were compared."""
    study, compared = back.Study(folder), 0
    declared = back.declared_figures(study) or back.suggested_figures(study)
    for path in sorted((folder / "tables").glob("*.md")):
        read = read_table_file(path)
        for ending in FORMATS[1:]:
            assert read == read_table_file(path.with_suffix(ending)), (path, ending)
        name, _, by = path.stem.partition("--")
        if name != "claims":
            compared += _check_table(read, study, declared[name], by)
    return compared


def _check_table(read, study: back.Study, declared, by: str) -> int:
    kind, outcomes, _, wanted = declared
    own = next(one for one in set(study.comparison["by"]) if one.replace(";", "-") == by)
    outcomes = [name for name in outcomes if len(study.shown(name, own))]
    lines: dict[str, list] = {}
    for heading, header, label, row in back.expected_lines(study, kind, outcomes, own, wanted):
        lines.setdefault(" · ".join(part for part in (heading, header) if part), []).append((label, row))
    expected = [(heading, label, row) for heading, of in lines.items() for label, row in of]
    assert [line[:2] for line in read.lines] == [line[:2] for line in expected]
    compared = 0
    totals = any(_total(row, study) is not None for _, _, row in expected)
    for (_, _, cells), (_, _, row) in zip(read.lines, expected, strict=True):
        numbers = _numbers(row, study, totals=totals)
        given = [_parsed(cell) for cell in cells]
        assert len(given) == len(numbers), (read.heads, cells, numbers)
        for head, one, other in zip(read.heads[1:], given, numbers, strict=True):
            assert len(one) == len(other), (head, one, other, row)
            assert all(abs(a - b) <= (0.5 if head == "n" else 0.05) + 1e-9 for a, b in zip(one, other, strict=True)), (
                head,
                one,
                other,
            )
            compared += len(other)
    return compared


def _numbers(row: pd.Series, study: back.Study, *, totals: bool) -> list[list[float]]:
    """What the cells of a line hold, in percent and percentage points: nothing where the csv has nothing."""
    engines = [name for name in ("likelihood", "bayes") if study.comparison[f"adjusted_{name}"].notna().any()]
    adjusted = [[f"adjusted_{name}{end}" for end in ("", "_lower", "_upper")] for name in engines]
    cells = [
        _known(row, 1.0, "n"),
        _known(row, 100.0, "published"),
        _known(row, 100.0, "raw", "raw_lower", "raw_upper"),
    ]
    cells += [_known(row, 100.0, *names) for names in adjusted]
    cells += [_known(row, 100.0, "difference", "difference_se")]
    total = _total(row, study) if totals else None
    return cells + [[] if total is None else _known(total, 100.0, *names) for names in adjusted] * totals


def _total(row: pd.Series, study: back.Study) -> pd.Series | None:
    """The direct effect beside a total, or the total beside another number, where the csv has one."""
    keys = ["model", "by", "category", "group"]
    others = study.comparison[study.comparison["estimand"] == ("direct" if row["estimand"] == "total" else "total")]
    found = others[(others[keys] == row[keys]).all(axis=1)]
    return found.iloc[0] if len(found) else None


def _known(row: pd.Series, times: float, *names: str) -> list[float]:
    return [times * float(row[name]) for name in names if pd.notna(row[name])]


def _parsed(cell: str) -> list[float]:
    """The numbers of a cell: points and commas as in either language, "1.530" and "1,530" for the number of respondents."""
    found = re.findall(r"[+−]?\d[\d.,]*", cell)
    if len(found) == 1 and re.fullmatch(r"\d{1,3}([.,]\d{3})+", found[0]):
        return [float(re.sub("[.,]", "", found[0]))]
    return [float(one.replace(",", ".").replace("−", "-")) for one in found]
