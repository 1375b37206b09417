"""Publication tables of a run: the same table as HTML, LaTeX, Markdown and Word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wwm_models.report.tables.great import Rendered, latex, standalone
from wwm_models.report.tables.text import can_write_word, markdown, write_word


def write_tables(tables: Sequence[Rendered], folder: Path, lang: str, note: str) -> list[Path]:
    """Write every table in every format.

    Parameters
    ----------
    tables : sequence of Rendered
    folder : Path
        Exists.
    lang : {"nl", "en"}
    note : str
        Under every table; says SYNTHETIC where the respondents are invented.

    Returns
    -------
    list of Path
        What was written; without Word files where python-docx is not installed.
    """
    found: list[Path] = []
    for made in tables:
        table = made.table
        for ending, text in (
            ("html", standalone(made, lang, note)), ("tex", latex(made, lang, note)), ("md", markdown(table, lang, note)),
        ):  # fmt: skip
            found.append(folder / f"{table.id}.{ending}")
            found[-1].write_text(text, encoding="utf-8", newline="\n")
        if can_write_word():
            found.append(folder / f"{table.id}.docx")
            write_word(table, lang, note, found[-1])
    return found
