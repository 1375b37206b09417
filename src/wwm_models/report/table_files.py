"""Publication tables of a run: each as HTML, LaTeX, Markdown and Word (where python-docx is installed).

HTML and LaTeX are filled in from a template each; Word goes through python-docx.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from wwm_models.extras import extra
from wwm_models.report.tables import Table, written
from wwm_models.report.text import environment, shortened
from wwm_models.stages import Stages

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "→": r"$\to$",
}  # fmt: skip
WIDE = 0.7  # share of a LaTeX page's width that columns of sentences have


def html(table: Table, lang: str, note: str) -> str:
    """One HTML file with its own style."""
    return environment().get_template("table.html.j2").render(_texts(table, lang, note, str)) + "\n"


def latex(table: Table, lang: str, note: str) -> str:
    """A LaTeX table over as many pages as it needs, its headings on each; needs longtable, booktabs and array."""
    columns = "l" + "".join(
        f">{{\\raggedright\\arraybackslash}}p{{{share:.3g}\\linewidth}}" if share else "r"
        for share in _shares(table, lang)
    )
    texts = _texts(table, lang, note, lambda text: Markup(_escaped(text)))
    return environment().get_template("table.tex.j2").render(texts, columns_of=Markup(columns))


def _shares(table: Table, lang: str) -> list[float]:
    """What each column has of a page's width: those of sentences by their longest cell, but none under a twelfth; zero for the others."""
    lines = [line for _, lines in table.groups for line in lines]
    longest = [
        max([len(column.name.of(lang)), *(len(written(line.cells[at], lang)) for line in lines)]) if column.wide else 0
        for at, column in enumerate(table.columns)
    ]
    least, every = 1 / 12, sum(longest)
    rest = max(WIDE - least * sum(column.wide for column in table.columns), 0.0)
    return [least + rest * length / every if length else 0.0 for length in longest]


def _texts(table: Table, lang: str, note: str, write: Callable[[str], str]) -> dict[str, Any]:
    """What a template is given: every text of the table in one language."""

    def said(item: Any) -> str:
        return write(written(item, lang))

    starts = [sum(width for _, width in table.spans[:at]) for at in range(len(table.spans))]
    return {
        "lang": lang,
        "caption": said(table.caption),
        "stub": said(table.stub),
        "heads": [(said(column.name), column.wide) for column in table.columns],
        "spans": [("" if text is None else said(text), width) for text, width in table.spans],
        "over": [(start, width) for start, (text, width) in zip(starts, table.spans, strict=True) if text is not None],
        "groups": [
            ("" if heading is None else said(heading), [(said(line.name), [said(cell) for cell in line.cells]) for line in lines])
            for heading, lines in table.groups
        ],
        "notes": [write(line) for line in notes_of(table, lang, note)],
    }  # fmt: skip


def _escaped(text: str) -> str:
    escaped = "".join(_LATEX.get(mark, mark) for mark in text)
    return (
        f"{{{escaped[0]}}}{escaped[1:]}" if escaped.startswith(("[", "*")) else escaped
    )  # else an argument of the line's end


def notes_of(table: Table, lang: str, note: str) -> list[str]:
    """Lines under a table."""
    return [line for line in (*(text.of(lang) for text in table.notes), note) if line]


LONGEST_TITLE = 255  # characters of a title among the properties of a Word file (python-docx, coreprops)


def markdown(table: Table, lang: str, note: str) -> str:
    """A pipe table; headings of groups become rows of their own.

    References
    ----------
    GitHub Flavored Markdown Spec 0.29, section 4.10.
    """
    heads = [table.stub.of(lang), *(_full(column, lang) for column in table.columns)]
    rules = ["---", *("---" if column.wide else "---:" for column in table.columns)]
    lines = [f"**{_cell(table.caption.of(lang))}**", "", _row(heads), "|" + "|".join(rules) + "|"]
    for heading, rows in table.groups:
        if heading is not None and heading.of(lang):
            lines.append(_row([f"**{_cell(heading.of(lang))}**", *("" for _ in table.columns)], escaped=True))
        lines += [_row([row.name.of(lang), *(written(cell, lang) for cell in row.cells)]) for row in rows]
    lines += ["", *(_cell(text) for text in notes_of(table, lang, note)), ""]
    return "\n".join(lines)


def _full(column: Any, lang: str) -> str:
    above = column.span.of(lang) + ": " if column.span is not None else ""
    return above + str(column.name.of(lang))


def _row(cells: list[str], *, escaped: bool = False) -> str:
    return "| " + " | ".join(cells if escaped else [_cell(cell) for cell in cells]) + " |"


def _cell(text: str) -> str:
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def can_write_word() -> bool:
    """Whether python-docx (extra `word`) is installed."""
    return importlib.util.find_spec("docx") is not None


def write_word(table: Table, lang: str, note: str, path: Path) -> None:
    """A Word file with a caption, the table and its notes; header rows repeat on every page."""
    document: Any = extra("docx", "A Word table").Document()
    from docx.enum.section import WD_ORIENT
    from docx.shared import Pt

    _without_ballast(document)
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    document.styles["Normal"].font.size = Pt(9)
    document.core_properties.title = shortened(table.caption.of(lang), LONGEST_TITLE)
    document.core_properties.author = "wwm_models"
    document.add_paragraph(table.caption.of(lang), style="Caption")
    heads = [table.stub.of(lang), *(_full(column, lang) for column in table.columns)]
    rows = [
        line
        for heading, lines in table.groups
        for line in (
            *([[heading.of(lang)]] if heading is not None and heading.of(lang) else []),
            *([one.name.of(lang), *(written(cell, lang) for cell in one.cells)] for one in lines),
        )
    ]  # fmt: skip
    made = document.add_table(rows=1 + len(rows), cols=len(heads), style="Light List")
    _fill(made, [heads, *rows])
    for text in notes_of(table, lang, note):
        document.add_paragraph(text)
    _save(document, path)


def _without_ballast(document: Any) -> None:
    """Leave out a picture and a second copy of the styles for Word 2010, which python-docx's template brings along."""
    for relations in (document.part.rels, document.part.package.rels):
        for name in [
            name
            for name, one in relations.items()
            if one.reltype.endswith(("/stylesWithEffects", "/thumbnail", "/customXml"))
        ]:
            del relations[name]


def _fill(made: Any, rows: list[list[str]]) -> None:
    """Cell by cell through the XML rows: python-docx's own ``cell`` is quadratic in their number."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for element, texts in zip(made._tbl.tr_lst, rows, strict=True):
        for cell, text in zip(element.tc_lst, texts, strict=False):
            run, content = OxmlElement("w:r"), OxmlElement("w:t")
            content.text = text
            content.set(qn("xml:space"), "preserve")
            run.append(content)
            cell.p_lst[0].append(run)
    repeated = OxmlElement("w:tblHeader")
    made._tbl.tr_lst[0].get_or_add_trPr().append(repeated)


def _save(document: Any, path: Path) -> None:
    """Save with fixed times, so that writing twice gives the same bytes."""
    import datetime
    import io
    import zipfile

    epoch = datetime.datetime(2021, 5, 25, tzinfo=datetime.UTC).replace(tzinfo=None)
    document.core_properties.created = document.core_properties.modified = epoch
    held = io.BytesIO()
    document.save(held)
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, (2021, 5, 25, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))


Writer = Callable[[Table, str, str, Path], object]


def write_tables(tables: Sequence[Table], folder: Path, lang: str, note: str, stages: Stages) -> list[Path]:
    """Write every table in every format.

    Parameters
    ----------
    tables : sequence of Table
    folder : Path
        Exists.
    lang : str
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
            path = folder / f"{made.id}.{ending}"
            if ending != "docx" or can_write_word():
                found.append(
                    stages.attempt(
                        f"tables/{path.name}", partial(_written, write, made, lang, note, path), otherwise=None
                    )
                )
    return [path for path in found if path is not None]


def _written(write: Writer, made: Table, lang: str, note: str, path: Path) -> Path:
    """Write a file; one that failed halfway is not left behind."""
    try:
        write(made, lang, note, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _as_text(text: Callable[[Table, str, str], str]) -> Writer:
    return lambda made, lang, note, path: path.write_text(text(made, lang, note), encoding="utf-8", newline="\n")


_WRITERS: Mapping[str, Writer] = {
    "html": _as_text(lambda table, lang, note: html(table, lang, note)),
    "tex": _as_text(lambda table, lang, note: latex(table, lang, note)),
    "md": _as_text(lambda table, lang, note: markdown(table, lang, note)),
    "docx": lambda table, lang, note, path: write_word(table, lang, note, path),
}
