"""One function per command: read the options, call one function of the package, print or write."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from wwm_models.cli.main import DONE, NOT_USABLE
from wwm_models.cli.prepare import check, codebook
from wwm_models.cli.progress import told
from wwm_models.cli.text import claims_text, comparison_text
from wwm_models.cli.written import csv_file
from wwm_models.declared.folders import bundled_study, study_folder
from wwm_models.disclosure import differencing, models_together
from wwm_models.disclosure.determined import group_words
from wwm_models.errors import DeclarationError, ResultsError
from wwm_models.records import Survey
from wwm_models.report import left_out, rewrite_report
from wwm_models.report.claims import ledger
from wwm_models.report.figures import comparison_of
from wwm_models.report.labels import Labels
from wwm_models.stages import Stages
from wwm_models.store import as_written, read_results, stored_results, unfinished, verify_results
from wwm_models.store.manifest import read_manifest
from wwm_models.store.tables import write_bytes
from wwm_models.study import Run, run_study
from wwm_models.study.declared import joint_names
from wwm_models.survey.twin import quota_respondents, random_respondents

__all__ = ["check", "claims", "codebook", "demo", "report", "run", "show", "simulate", "verify"]


def demo(options: argparse.Namespace) -> int:
    """Synthetic respondents through models/wwm21."""
    study = bundled_study("wwm21")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "wwm21-synthetic.csv"
        quota_respondents(options.seed).to_csv(data, index=False)
        with told() as tell:
            run = run_study(
                study, data=data, out=options.out, engines=_names(options.engine), seed=options.seed, level=options.level, lang=options.lang,
                without=joint_names(study) if options.quick else (), progress=tell,
            )  # fmt: skip
    return _finished(run)


def run(options: argparse.Namespace) -> int:
    """A survey file through a study."""
    study = study_folder(options.study)
    with told() as tell:
        finished = run_study(
            study, data=options.data, out=_place(options.out, study), codebook=options.codebook,
            engines=_names(options.engine), seed=options.seed, level=options.level,
            lang=options.lang, progress=tell, scheduler=options.scheduler, in_place=options.in_place,
        )  # fmt: skip
    return _finished(finished)


def simulate(options: argparse.Namespace) -> int:
    """Write synthetic respondents as csv."""
    draw = random_respondents if options.random else quota_respondents
    content = draw(options.seed, options.n).to_csv(index=False)
    if options.out == "-":
        sys.stdout.write(content)
        return DONE
    path = csv_file(options.out)
    write_bytes(content.encode("utf-8"), path)
    print(f"SYNTHETIC respondents: {path}", file=sys.stderr)
    return DONE


def claims(options: argparse.Namespace) -> int:
    """Print the verdict on every claim of a run."""
    folder = Path(options.run)
    results = stored_results(folder, options.lang, needed=("accounting", "claims", "comparison", "diagnostics"))
    with as_written(folder):
        kinds, level = results.tables["claims"]["kind"], float(results.settings["level"])
        text = claims_text(ledger(comparison_of(Labels(results))), kinds, options.lang, level)
    print(text)
    return DONE


def show(options: argparse.Namespace) -> int:
    """Print raw beside adjusted for every group of a run."""
    folder = Path(options.run)
    table = read_results(folder, "comparison")
    with as_written(folder):
        text = comparison_text(table)
    print(text)
    return DONE


def report(options: argparse.Namespace) -> int:
    """Write page, figures and tables of a run again."""
    folder = Path(options.run)
    stages = Stages()
    rewrite_report(folder, options.lang, stages)
    _say_problems(stages.problems)
    _say_left_out(read_manifest(folder)["report"]["lang"])
    print(f"report: {folder / 'report.html'}")
    return NOT_USABLE if stages.problems else DONE


def verify(options: argparse.Namespace) -> int:
    """Compare a results folder with its manifest."""
    folder = Path(options.run)
    note = unfinished(folder)
    if note:
        print(note, file=sys.stderr)
    found = verify_results(folder)
    if options.against:
        with as_written(folder):
            found += _given_away(folder, Path(options.against))
    print("\n".join(found) if found else f"{folder}: every file is as the manifest says.")
    if options.against and not found:
        print(f"Nothing can be computed from it together with {options.against}.")
    return NOT_USABLE if found else DONE


def _given_away(here: Path, there: Path) -> list[str]:
    """What two runs together tell of groups too small to publish."""
    below = max(
        int(read_manifest(folder).get("disclosure", {}).get("suppress_below", Survey.suppress_below))
        for folder in (here, there)
    )
    raws = [read_results(folder, "raw") for folder in (here, there)]
    made = [read_manifest(folder).get("equations") for folder in (here, there)]
    unknown = [
        f"{folder} does not say whom its models are about, so what can be computed from them is not known. Run the study again."
        for folder, equations in zip((here, there), made, strict=True)
        if equations is None
    ]
    small: dict[str, set[str]] = {}
    for row in pd.concat([table[table["estimate"].isna() & (table["n"] > 0)] for table in raws]).to_dict("records"):
        if isinstance(row["group"], str) and row["group"]:
            small.setdefault(str(row["outcome"]), set()).add(group_words(row["group"]))
    return [
        *differencing(raws[0], raws[1], below),
        *unknown,
        *models_together(made[0] or {}, made[1] or {}, small, below),
    ]


def _names(text: str) -> list[str]:
    """Names of engines separated by commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise DeclarationError(
            f'--engine "{text}" names none, or leaves one out. Expected likelihood, or likelihood,bayes. Write one of these.'
        )
    return found


def _place(text: str | None, study: Path) -> Path:
    """The results folder that was asked for, or that of the study's name."""
    if text is not None and (not text.strip() or "\0" in text):
        raise ResultsError(
            "--out is empty, or holds a zero byte. Expected a folder for the results. Name one, or leave --out away."
        )
    return Path("results") / study.resolve().name if text is None else Path(text)


def _say_left_out(lang: str) -> None:
    note = left_out(lang)
    if note:
        print(note, file=sys.stderr)


def _say_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        print(f"not usable: {problem}", file=sys.stderr)


def _finished(run: Run) -> int:
    if run.note:
        print(run.note, file=sys.stderr)
    _say_problems(run.problems)
    if run.not_sampled:
        print(run.not_sampled, file=sys.stderr)
    _say_left_out(run.results.lang)
    verdicts: pd.Series = run.results.tables["claims"]["verdict"].value_counts()
    if run.results.synthetic:
        print("SYNTHETIC respondents: the numbers are not findings about people.")
    if run.printed:
        print(run.printed)
    if len(verdicts):
        print(f"claims: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())}")
    print(f"report: {run.report}")
    return NOT_USABLE if run.problems else DONE
