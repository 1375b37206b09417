"""Tables as Markdown, and as Word where python-docx is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from wwm_models.extras import extra
from wwm_models.report.labels import shortened
from wwm_models.report.tables.great import notes_of
from wwm_models.report.tables.record import Table, written

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
