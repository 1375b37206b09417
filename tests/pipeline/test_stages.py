"""A stage that fails costs its own output: the run ends with exit 1, says what and why, and all else is as if nothing had happened."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wwm_models.cli.main import main
from wwm_models.errors import DeclarationError, FitError
from wwm_models.report.page import unpacked
from wwm_models.results.atomic_files import read_table
from wwm_models.stages import AllOrNothing, Stages, failed

WHY = (
    "failed. RuntimeError. Expected no such error: it is a fault of this program, not of the study. What does not depend on it is "
    "whole. Report this line to the makers."
)
PAGE = {"report.html", "manifest.json", "labels.json"}  # labels.json keeps the messages too
# stage: what is made to fail, the call of it that fails (-1: every one), how the sentence begins, and the files that differ from an undisturbed run
STAGES: dict[str, tuple[str, int, str, set[str]]] = {
    "a figure": ("report.report_files._figure", 0, "figures/figure-1", {"figures/figure-1.svg", "figures/figure-1.png"}),
    "what a figure shows": ("report.report_files._sheets", 0, "figure-1", {"figures/figure-1.svg", "figures/figure-1.png"}),
    "a Word file": ("report.table_files.write_word", 0, "tables/figure-1--age_group.docx", {"tables/figure-1--age_group.docx"}),
    "a LaTeX file": ("report.table_files.latex", 0, "tables/figure-1--age_group.tex", {"tables/figure-1--age_group.tex"}),
    "the table of claims": ("report.report_files.ledger_table", 0, "tables/claims", {f"tables/claims.{end}" for end in ("docx", "html", "md", "tex")}),
    "all tables": ("report.report_files.write_tables", 0, "tables", {"tables/*"}),
    "the page": ("report.report_files.page_of", 0, "report.html", set()),
    "bounds": ("study.run.begin_bounds", -1, "bounds", {"labels.json"}),
    "families of tests": ("study.run.begin_families", 0, "families of tests", {"labels.json", "families.csv"}),
    "a second opinion": ("study.diagnostics.second_opinion", 0, "wish (all exposures), second opinion", set()),
    "a check of proportional odds": ("study.diagnostics.brant", 0, "wish (all exposures), proportional odds", {"diagnostics.csv"}),
    "a fit": ("study.fits.fit", 1, "wish (total age_group)", {"*.csv", "figures/*", "tables/*"}),
    "an average": ("study.fits.adjusted", 3, "wish (total)", {"*.csv", "figures/*", "tables/*"}),
    "contrasts": ("study.fits.contrasts", 0, "wish (household-adjusted), contrasts of age_group", {"contrasts.csv", "estimands.csv"}),
    "a decomposition": ("study.fits.decompose_fit", 1, "wish (household-adjusted), decomposition", {"labels.json", "decomposition.csv", "robustness.csv", "claims.csv", "tables/claims.*"}),
    "robustness": ("study.result_tables.robustness_table", 0, "wish, robustness", {"labels.json", "robustness.csv"}),
    "agreement": ("study.result_tables.agreement_table", 0, "wish, agreement", {"labels.json"}),
    "fragility": ("study.result_tables.fragility_table", 0, "fragility", {"labels.json", "fragility.csv"}),
    "a claim": ("claims.comparison.judge", 0, "claim C1", {"labels.json", "claims.csv", "tables/claims.*"}),
    "a model": ("study.run.run_declared", 0, "wish (all exposures)", {"*.csv", "figures/*", "tables/*"}),
}  # fmt: skip

QUICK = ("a figure", "a Word file", "a fit", "a claim")  # the others take as long and go the same way


def run(small: Path, out: str) -> int:
    return main(
        ["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / out), "--lang", "en"]
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, study_in: Callable[[Path], Path]) -> Path:
    """A study with its undisturbed run in ``whole``."""
    folder = tmp_path_factory.mktemp("stages")
    study_in(folder)
    assert run(folder, "whole") == 0
    return folder


def planted(monkeypatch: pytest.MonkeyPatch, place: str, call: int, problem: BaseException) -> None:
    """Make one call of a function fail, or every one."""
    home, _, name = place.rpartition(".")
    module = importlib.import_module(f"wwm_models.{home}")
    own, calls = getattr(module, name), iter(range(10**6))

    def failing(*given: Any, **options: Any) -> Any:
        if call < 0:
            return lambda: fail()
        return fail() if next(calls) == call else own(*given, **options)

    def fail() -> Any:
        raise problem

    monkeypatch.setattr(module, name, failing)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "stage", [stage if stage in QUICK else pytest.param(stage, marks=pytest.mark.slow) for stage in STAGES]
)
def test_a_failing_stage_costs_its_own_output(stage, whole, monkeypatch, capsys):
    place, call, begins, own = STAGES[stage]
    planted(monkeypatch, place, call, RuntimeError("planted"))
    shutil.rmtree(whole / "out", ignore_errors=True)
    assert run(whole, "out") == 1
    said = capsys.readouterr().err
    line = next(line for line in said.splitlines() if line.startswith("not usable: "))
    assert line.startswith(f"not usable: {begins}: failed. RuntimeError")
    assert line.endswith(WHY.partition("RuntimeError")[2])
    assert "Traceback" not in said
    assert "planted" not in said  # what others say may hold an answer
    problems = json.loads((whole / "out" / "manifest.json").read_text(encoding="utf-8"))["problems"]
    assert [line] == [f"not usable: {problem}" for problem in problems]
    assert not [path for path in (whole / "out").rglob("*") if path.is_file() and b"planted" in path.read_bytes()]
    before, after = contents(whole / "whole"), contents(whole / "out")
    differ = {name for name in before if after.get(name) != before[name]} - PAGE
    assert not [name for name in differ if not any(Path(name).match(pattern) for pattern in own)], differ
    assert set(after) <= set(before)


def test_a_reader_of_the_page_is_told(whole, monkeypatch):
    planted(monkeypatch, "report.report_files._figure", 0, RuntimeError("planted"))
    planted(monkeypatch, "study.result_tables.fragility_table", 0, MemoryError())
    assert run(whole, "told") == 1
    page = (whole / "told" / "report.html").read_text(encoding="utf-8")
    assert "figures/figure-1: failed. RuntimeError" in page
    assert "figures/figure-1: mislukt. RuntimeError" in page
    assert "fragility: failed. There was not enough memory for it." in page
    assert len(read_table(whole / "told" / "fragility.csv")) == 0
    assert main(["report", str(whole / "told")]) == 0
    page = (whole / "told" / "report.html").read_text(encoding="utf-8")
    assert "figures/figure-1" not in page
    assert "fragility: failed." in page
    assert (whole / "told" / "figures" / "figure-1.svg").is_file()


def test_a_page_written_again_says_what_failed_too(whole, monkeypatch, capsys):
    shutil.copytree(whole / "whole", whole / "again", dirs_exist_ok=True)
    planted(monkeypatch, "report.table_files.write_word", 0, RuntimeError("planted"))
    assert main(["report", str(whole / "again")]) == 1
    assert "not usable: tables/figure-1--age_group.docx: failed. RuntimeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), DeclarationError("no"), OSError(28, "No space left on device")]
)
def test_what_is_not_one_stages_own_fault_ends_the_run(problem):
    def task() -> None:
        raise problem

    with pytest.raises(type(problem)):
        Stages().attempt("a stage", task, otherwise=None)


def test_one_function_called_by_itself_raises():
    with pytest.raises(ZeroDivisionError):
        AllOrNothing().attempt("a stage", lambda: 1 / 0, otherwise=0)


def test_our_own_messages_stand_as_they_are_and_others_name_their_line():
    assert failed(FitError("No maximum.")) == "No maximum."
    assert "failed. " + failed(RuntimeError("planted")) == WHY
    assert failed(MemoryError()) == (
        "There was not enough memory for it. Expected room for its numbers. Close other programs, or ask for less, and run again."
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        unpacked("not packed")
    assert " (report/page.py, line " in failed(caught.value)
