"""Commands before the first fit: check a study against a file, draft a codebook, lock it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from wwm_models.cli.main import DONE, NOT_USABLE
from wwm_models.cli.overview import checked_text
from wwm_models.declared.folders import study_folder
from wwm_models.errors import ResultsError
from wwm_models.store.tables import write_bytes
from wwm_models.study.check import check_study
from wwm_models.survey import read_codebook, read_file, survey_of
from wwm_models.survey.drafting import described_by, draft_codebook, locked, read_ddi, source_of


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
