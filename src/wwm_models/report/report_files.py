"""The report as files: the page, the figures for print, the tables for publication."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from wwm_models.parallel import begin
from wwm_models.report.chart_files import Drawing, library, sheets, written
from wwm_models.report.charts import Row
from wwm_models.report.figures import Block, Entry, Figure
from wwm_models.report.numbers import DASH, Numbers, number
from wwm_models.report.page import Report, page_of, report_of
from wwm_models.report.sections import percent_of
from wwm_models.report.table_files import can_write_word, write_tables
from wwm_models.report.tables import ledger_table
from wwm_models.report.text import clean, texts
from wwm_models.results.folder import new_results, reserved
from wwm_models.results.results import Results, as_written, files_in, read_manifest, stored_results, write_manifest
from wwm_models.stages import AllOrNothing, Stages

PAGE: Final = "report.html"
MANIFEST: Final = "manifest.json"
DRAWN: Final = ("figures", "tables")


def write_report(results: Results, folder: Path, stages: Stages | None = None) -> list[Path]:
    """Write report.html, figures/ and tables/ into a folder, in the language of the results.

    Parameters
    ----------
    results : Results
    folder : Path
        Exists; its figures/ and tables/ are replaced.
    stages : Stages, optional
        Every figure, every file of a table and the page are one; the page says which failed. Without it none may fail.

    Returns
    -------
    list of Path
        What was written.
    """
    for name in DRAWN:
        shutil.rmtree(folder / name, ignore_errors=True)
    library()
    report, each = report_of(results), stages or AllOrNothing()
    drawn = [
        begun
        for figure in report.figures
        for begun in each.attempt(figure.id, partial(_begun, figure, report), otherwise=[])
    ]
    tables = each.attempt("tables", partial(_tables, report, folder / "tables", each), otherwise=[])
    page = each.attempt(PAGE, partial(page_of, report, each.problems), otherwise="")
    before = each.problems
    figures = [
        path
        for name, waiting in drawn
        for path in each.attempt(f"figures/{name}", partial(_figure, name, waiting, folder / "figures"), otherwise=[])
    ]
    if page and each.problems != before:  # the page says which figures there are not
        page = each.attempt(PAGE, partial(page_of, report, each.problems), otherwise="")
    pages = [_write(folder / PAGE, page)] if page else []
    return [*pages, *figures, *tables]


def _begun(figure: Figure, report: Report) -> list[tuple[str, Callable[[], tuple[str, bytes]]]]:
    """The sheets of a figure under the names of their files, each being drawn in a process of its own."""
    return [
        (name, begin(written, sheet))
        for block in figure.blocks
        if block.by == figure.own or len(figure.blocks) == 1
        for name, sheet in _sheets(figure, block, report)
    ]


def rewrite_report(folder: Path, lang: str | None = None, stages: Stages | None = None) -> list[Path]:
    """Write page, figures and tables of a finished run again, from its csv files, and bring its manifest up to date.

    Parameters
    ----------
    folder : Path
        A results folder.
    lang : str, optional
        Of the figures and tables, and the one the page opens in; the run's own unless given.
    stages : Stages, optional
        As for `write_report`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ResultsError
        If the folder holds no finished run, or a table has changed since it was written.
    """
    results = stored_results(folder, lang)
    content = {key: value for key, value in read_manifest(folder).items() if key != "files"}
    with reserved(folder), new_results(folder) as fresh:
        _carry_over(folder, fresh)
        with as_written(folder):
            written_files = write_report(results, fresh, stages)
        told = {"lang": results.lang} | ({"problems": list(stages.problems)} if stages and stages.problems else {})
        write_manifest(fresh, {**content, "report": told})
    return [folder / path.relative_to(fresh) for path in written_files]


def _carry_over(folder: Path, fresh: Path) -> None:
    """Give a new folder all files of a former one that a report does not write."""
    for name in sorted(files_in(folder) - {PAGE, MANIFEST}):
        source, target = folder / name, fresh / name
        if Path(name).parts[0] in DRAWN or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def left_out(lang: str) -> str:
    """A sentence on the files that could not be written here, in one language; empty when there are none.

    Examples
    --------
    >>> left_out("en")
    ''
    """
    return "" if can_write_word() else texts(lang)["extra_missing"]


def _tables(report: Report, folder: Path, stages: Stages) -> list[Path]:
    words, lang = report.labels.words, report.results.lang
    made = list(report.tables.values())
    if report.ledger.lines:
        claims = stages.attempt("tables/claims", partial(ledger_table, report.ledger, words), otherwise=None)
        made += [claims] if claims is not None else []
    if not made:
        return []
    folder.mkdir()
    note = words["synthetic"].of(lang) if report.results.synthetic else ""
    return write_tables(made, folder, lang, note, stages)


def _sheets(figure: Figure, block: Block, report: Report) -> list[tuple[str, Drawing]]:
    """The sheets of a figure under the names of their files; where there are several, each says which it is."""
    whole = sheets(drawing(figure, block, report))
    if len(whole) == 1:
        return [(figure.id, whole[0])]
    note = partial(report.labels.words.fill, "sheet", count=str(len(whole)))
    return [
        (f"{figure.id}-sheet-{at}", replace(one, notes=(*one.notes, note(number=str(at)).of(report.results.lang))))
        for at, one in enumerate(whole, start=1)
    ]


def _figure(name: str, drawn: Callable[[], tuple[str, bytes]], folder: Path) -> list[Path]:
    """A drawing as SVG and PNG; the block by the figure's own grouping has the figure's name."""
    svg, png = drawn()
    found = [_write(folder / f"{name}.svg", svg), folder / f"{name}.png"]
    found[-1].write_bytes(png)
    return found


def drawing(figure: Figure, block: Block, report: Report) -> Drawing:
    """What a print figure says, in the language of the results."""
    lang, words = report.results.lang, report.labels.words
    printed = any(number(row, "published") == number(row, "published") for row in block.rows)
    level = percent_of(report.results.settings.get("level", 0.95))
    notes = (
        *((words["synthetic"].of(lang),) if report.results.synthetic else ()),
        words.fill("shown_estimand", estimand=block.estimand).of(lang),
        words.fill("printed_note" if printed else "printed_note_alone", level=level).of(lang),
    )
    cells = tuple(
        (small.heading.of(lang), small.column.of(lang), tuple(_row(entry, report, beside=block.columns == 1) for entry in small.entries))
        for small in block.cells
    )  # fmt: skip
    return Drawing(clean(figure.title.of(lang)), notes, cells, block.columns, headed=block.kind == "matrix")


def _row(entry: Entry, report: Report, *, beside: bool) -> Row:
    lang = report.results.lang
    if entry.row is None:
        return Row(entry.label.of(lang), header=True)
    row = entry.row
    engine = "bayes" if number(row, "adjusted_likelihood") != number(row, "adjusted_likelihood") else "likelihood"
    numbers = Numbers(lang)
    raw = number(row, "raw")
    before = numbers.percent(raw) if raw == raw else report.labels.words["suppressed"].of(lang)
    after = numbers.percent(number(row, f"adjusted_{engine}"))
    return Row(
        entry.label.of(lang), raw=raw, adjusted=number(row, f"adjusted_{engine}"), lower=number(row, f"adjusted_{engine}_lower"),
        upper=number(row, f"adjusted_{engine}_upper"), published=number(row, "published"), published_lower=number(row, "published_lower"),
        published_upper=number(row, "published_upper"), written=(f"{before} → {after}" if after != DASH else before) if beside else "",
    )  # fmt: skip


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
