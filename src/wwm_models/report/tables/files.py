"""Publication tables of a run: the same table as HTML, LaTeX, Markdown and Word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from wwm_models.report.tables.great import Rendered, latex, standalone
from wwm_models.report.tables.text import can_write_word, markdown, write_word
from wwm_models.stages import Stages

Writer = Callable[[Rendered, str, str, Path], object]


def write_tables(tables: Sequence[Rendered], folder: Path, lang: str, note: str, stages: Stages) -> list[Path]:
    """Write every table in every format.

    Parameters
    ----------
    tables : sequence of Rendered
    folder : Path
        Exists.
    lang : {"nl", "en"}
    note : str
        Under every table; says SYNTHETIC where the respondents are invented.
    stages : Stages
        One per file.

    Returns
    -------
    list of Path
        What was written; without Word files where python-docx is not installed.
    """
    found: list[Path | None] = []
    for made in tables:
        for ending, write in _WRITERS.items():
            path = folder / f"{made.table.id}.{ending}"
            if ending != "docx" or can_write_word():
                found.append(
                    stages.attempt(
                        f"tables/{path.name}", partial(_written, write, made, lang, note, path), otherwise=None
                    )
                )
    return [path for path in found if path is not None]


def _written(write: Writer, made: Rendered, lang: str, note: str, path: Path) -> Path:
    """Write a file; one that failed halfway is not left behind."""
    try:
        write(made, lang, note, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _as_text(text: Callable[[Rendered, str, str], str]) -> Writer:
    return lambda made, lang, note, path: path.write_text(text(made, lang, note), encoding="utf-8", newline="\n")


_WRITERS: Mapping[str, Writer] = {
    "html": _as_text(lambda made, lang, note: standalone(made, lang, note)),
    "tex": _as_text(lambda made, lang, note: latex(made, lang, note)),
    "md": _as_text(lambda made, lang, note: markdown(made.table, lang, note)),
    "docx": lambda made, lang, note, path: write_word(made.table, lang, note, path),
}
