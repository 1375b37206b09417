"""What each command does: read the options, call one function of the package, print or write.

Commands before the first fit (check a study against a file, draft a codebook, lock it) come first, then those that run and read results.
`bounds` needs neither engines nor the line of a study, and does not import them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from wwm_models.claims.article import as_plain, read_article
from wwm_models.cli.bounds_text import bounds_text
from wwm_models.cli.main import DONE, NOT_USABLE, csv_file
from wwm_models.cli.terminal_text import checked_text, claims_text, comparison_text, report_progress
from wwm_models.demo.respondents import quota_respondents, random_respondents
from wwm_models.disclosure.determined import group_words
from wwm_models.disclosure.presentation_rules import differencing, models_together
from wwm_models.errors import DeclarationError, ResultsError
from wwm_models.identification.bounds import BoundsResult
from wwm_models.identification.bounds import bounds as allowed_by
from wwm_models.identification.joint_table import read_margins
from wwm_models.messages import collected
from wwm_models.report.figures import comparison_of
from wwm_models.report.ledger import ledger
from wwm_models.report.report_files import left_out, rewrite_report
from wwm_models.report.text import Labels
from wwm_models.results.atomic_files import write_bytes
from wwm_models.results.results import (
    Results,
    as_written,
    read_manifest,
    read_results,
    stored_results,
    unfinished,
    verify_results,
)
from wwm_models.stages import Stages
from wwm_models.study.declarations import joint_names
from wwm_models.study.model_files import bundled_study, study_folder
from wwm_models.study.preparation import check_study
from wwm_models.study.run import Run, run_study
from wwm_models.survey.codebook_reader import locked, read_codebook
from wwm_models.survey.ddi import described_by, read_ddi
from wwm_models.survey.draft import draft_codebook, source_of
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.read import survey_of
from wwm_models.survey.survey import Survey


def check(options: argparse.Namespace) -> int:
    """Read and check everything, fit nothing."""
    codebook = None if options.codebook is None else Path(options.codebook)
    found = check_study(study_folder(options.study), options.data, codebook, in_place=options.in_place)
    print(checked_text(found))
    return NOT_USABLE if found.unfit or found.withheld else DONE


def codebook(options: argparse.Namespace) -> int:
    """Draft or lock a codebook."""
    return draft(options) if options.step == "draft" else lock(options)


def draft(options: argparse.Namespace) -> int:
    """Write a commented codebook of what a file says of itself."""
    source = source_of(options.file, options.table)
    file, title = read_file(options.file, source), ""
    if options.ddi:
        description = read_ddi(Path(options.ddi))
        file, title = described_by(file, description), description.title
    text = draft_codebook(file, source, title=title)
    if options.out == "-":
        sys.stdout.write(text)
        return DONE
    out = Path(options.out)
    if out.exists() or not out.absolute().parent.is_dir():
        raise ResultsError(
            f"{out} exists already, or its folder does not. Expected a new file: a draft never replaces a codebook. Give another --out."
        )
    write_bytes(text.encode("utf-8"), out)
    print(f"draft of a codebook: {out}", file=sys.stderr)
    return DONE


def lock(options: argparse.Namespace) -> int:
    """Put the hash of a data file into a study's codebook, once the two agree."""
    path = Path(options.codebook) if options.codebook else study_folder(options.study) / "codebook.toml"
    book = read_codebook(path)
    file = read_file(options.data, replace(book.source, sha256=""))
    survey_of(file, book)
    write_bytes(locked(path.read_bytes(), file.sha256, path), path)
    print(f"{path} accepts only {file.path}: SHA-256 {file.sha256}", file=sys.stderr)
    return DONE


def demo(options: argparse.Namespace) -> int:
    """Synthetic respondents through models/wwm21."""
    study = bundled_study("wwm21")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "wwm21-synthetic.csv"
        quota_respondents(options.seed).to_csv(data, index=False)
        with report_progress() as tell:
            run = run_study(
                study, data=data, out=options.out, engines=_names(options.engine), seed=options.seed, level=options.level, lang=options.lang,
                without=joint_names(study) if options.quick else (), progress=tell,
            )  # fmt: skip
    return _finished(run)


def run(options: argparse.Namespace) -> int:
    """A survey file through a study."""
    study = study_folder(options.study)
    with report_progress() as tell:
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


def bounds(options: argparse.Namespace) -> int:
    """What the printed numbers of a study alone allow, and its sentences."""
    out = csv_file(options.out) if options.out else None
    folder = study_folder(options.study)
    article = read_article(folder / "article.toml")
    margins = read_margins(options.margins or folder / "margins.toml", folder / "codebook.toml")
    words = False if options.words is None else _ids(options.words) or True
    without = None if options.without is None else _ids(options.without)
    with collected() as messages:
        found = allowed_by(article, margins, words=words, without=without)
    book = read_codebook(folder / "codebook.toml")
    variables = {item.variable.name: item.variable for item in book.declarations}
    declared = as_plain(article)
    labels = Labels(
        Results(folder.name, "", False, options.lang, {}, variables, book.collapses, {}, declared, messages=messages)
    )
    print(bounds_text(found, article, labels, options.lang))
    if out is not None:
        _write(found, folder.resolve().name, out)
    return DONE


def _ids(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(",") if part.strip())


def _write(found: BoundsResult, study: str, out: Path) -> None:
    from wwm_models.results.atomic_files import write_table
    from wwm_models.study.provenance import bounds_csv

    write_table(bounds_csv(found, study), out)
