"""Tables through great-tables: markup for the page (our classes, no inline styles), whole HTML files, LaTeX.

great-tables lays out one line of a table, and one heading where it has groups; every other line is that line with other
cells. (It sets cells one by one in a data frame, so that a table of a hundred lines takes a second.) It is given tokens
instead of texts, which are replaced by texts that are escaped here, or by markup in two languages with numbers that carry
their source.

Tables as Markdown, and as Word where python-docx is installed.

Publication tables of a run: the same table as HTML, LaTeX, Markdown and Word.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from wwm_models.extras import extra
from wwm_models.report.tables import Table, written
from wwm_models.report.text import Text, shortened
from wwm_models.stages import Stages

if TYPE_CHECKING:
    from great_tables import GT


Write = Callable[[Any], str]  # a text or cell as markup of a format
_TOKEN = re.compile(r"QZ(\d+)ZQ")
_HEADING, _NAME, _CELL = "QZheadingZQ", "QZnameZQ", re.compile(r"QZcell(\d+)ZQ")
# Ids repeat between tables and lines, and inline styles are what the page's policy forbids; scope says what heads what.
_UNWANTED = re.compile(r' (?:id|headers|style|data-quarto-\w+(?:-\w+)*|rowspan="1"|colspan="1")(?:="[^"]*")?')
_CLASSES = re.compile(r' class="([^"]*)"')
_KEPT = ("gt_left", "gt_column_spanner_outer", "gt_group_heading")  # classes that the page's style sheet knows
_HTML = re.compile(
    r'(.*<tbody[^>]*>)\s*(<tr class="gt_group_heading_row">.*?</tr>)?\s*(<tr>.*?</tr>)\s*(</tbody>.*)', re.DOTALL
)
_TEX = re.compile(rf"(.*?)((?:[^\n]*{_HEADING}.*?)?)([^\n]*{_NAME}[^\n]*\n)(.*)", re.DOTALL)
_RULE = "\\midrule\\addlinespace[2.5pt]\n"
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "→": r"$\to$",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A table of one heading and one line in one format, cut where other lines go in."""

    head: str
    heading: str
    line: str
    foot: str
    between: str = ""  # what stands between two groups

    def filled(self, table: Table, heads: tuple[Text, ...], write: Write) -> str:
        """The whole table."""
        found = [_TOKEN.sub(lambda token: write(heads[int(token[1])]), self.head)]
        for at, (heading, lines) in enumerate(table.groups):
            if heading is not None:
                found.append((self.between if at else "") + self.heading.replace(_HEADING, write(heading)))
            for line in lines:
                named = self.line.replace(_NAME, write(line.name))
                found.append(_CELL.sub(lambda token, cells=line.cells: write(cells[int(token[1])]), named))
        return "".join((*found, self.foot))

    def map(self, change: Callable[[str], str]) -> Layout:
        """The same change made to every piece."""
        return Layout(
            change(self.head), change(self.heading), change(self.line), change(self.foot), change(self.between)
        )


@dataclass(frozen=True)
class Rendered:
    """A table laid out by great-tables, and the texts of its headings by the number of their token."""

    table: Table
    html: Layout
    latex: Layout
    heads: tuple[Text, ...]


def rendered(table: Table) -> Rendered:
    """Lay a table out once; page and files are then filled in from it."""
    heads: list[Text] = []

    def token(text: Text) -> str:
        heads.append(text)
        return f"QZ{len(heads) - 1}ZQ"

    made = _great(table, token)
    return Rendered(table, _cut(_HTML, made.as_raw_html()), _cut(_TEX, made.as_latex(), _RULE), tuple(heads))


def _cut(pattern: re.Pattern[str], made: str, between: str = "") -> Layout:
    found = pattern.fullmatch(made)
    assert found is not None, "great-tables lays a table out in another way than 1.1 did"
    head, heading, line, foot = (piece or "" for piece in found.groups())
    return Layout(head, heading, line, foot, between)


def on_page(made: Rendered, lang: str) -> Markup:
    """The table as the page holds it: inside a region that scrolls by itself and can be reached by keyboard.

    Parameters
    ----------
    made : Rendered
    lang : str
        The language in which numbers are first written; the page's script rewrites them.
    """
    name = Markup("{}-caption").format(made.table.id)
    layout = made.html.map(_bare)
    html = layout.filled(made.table, made.heads, partial(_marked, lang=lang))
    html = html[html.index("<table") : html.rindex("</table>")] + "</table>"
    caption = Markup('<caption id="{}">{}</caption>').format(name, Markup(made.table.caption.__html__()))
    notes = Markup("").join(Markup("<p>{}</p>").format(Markup(note.__html__())) for note in made.table.notes)
    return Markup('<div class="scroll" role="region" tabindex="0" aria-labelledby="{}">{}{}</div>').format(
        name, Markup(html.replace("<thead>", f"{caption}<thead>", 1)), notes
    )


def standalone(made: Rendered, lang: str, note: str) -> str:
    """One HTML file with great-tables' own style."""
    layout = made.html.map(lambda piece: re.sub(r'id="[a-z]{10}"|#[a-z]{10}\b', _steady, piece))
    layout = replace(layout, heading=_UNWANTED.sub("", layout.heading), line=_UNWANTED.sub("", layout.line))
    body = layout.filled(made.table, made.heads, lambda item: str(escape(written(item, lang))))
    caption = escape(made.table.caption.of(lang))
    notes = "".join(f"<p>{escape(line)}</p>\n" for line in notes_of(made.table, lang, note))
    head = f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8"><title>{caption}</title></head>\n'
    return f"{head}<body>\n<h1>{caption}</h1>\n{body}\n{notes}</body>\n</html>\n"


def latex(made: Rendered, lang: str, note: str) -> str:
    """A LaTeX table; needs booktabs, caption and array."""
    body = made.latex.filled(made.table, made.heads, lambda item: _escaped(written(item, lang)))
    caption = f"\\caption{{{_escaped(made.table.caption.of(lang))}}}\n"
    notes = "".join(f"\\par\\small {_escaped(line)}\n" for line in notes_of(made.table, lang, note))
    return body.replace("\\begin{table}[!t]\n", f"\\begin{{table}}[!t]\n{caption}", 1).replace(
        "\\end{table}", f"{notes}\\end{{table}}"
    )


def _escaped(text: str) -> str:
    escaped = "".join(_LATEX.get(mark, mark) for mark in text)
    return (
        f"{{{escaped[0]}}}{escaped[1:]}" if escaped.startswith(("[", "*")) else escaped
    )  # else an argument of the line's end


def notes_of(table: Table, lang: str, note: str) -> list[str]:
    """Lines under a table."""
    return [line for line in (*(text.of(lang) for text in table.notes), note) if line]


def _steady(found: re.Match[str]) -> str:
    """The random name that great-tables gives a table, replaced so that writing twice gives the same bytes."""
    return "#published" if found[0].startswith("#") else 'id="published"'


def _bare(piece: str) -> str:
    """Markup without inline styles, ids and the classes that only great-tables' own style sheet knows."""

    def kept(found: re.Match[str]) -> str:
        names = [name for name in found[1].split() if name in _KEPT]
        return f' class="{" ".join(names)}"' if names else ""

    return re.sub(r"\n\s*", "", _CLASSES.sub(kept, _UNWANTED.sub("", piece)))


def _marked(item: Any, lang: str) -> str:
    return item.__html__() if isinstance(item, Text) else str(escape(item.of(lang)))


def _great(table: Table, token: Callable[[Text], str]) -> GT:
    """The table with one line, under a heading if it has groups."""
    from great_tables import GT

    names = [f"c{number}" for number in range(len(table.columns))]
    headed = any(heading is not None for heading, _ in table.groups)
    frame = pd.DataFrame(
        [{"stub": _NAME, **{name: f"QZcell{at}ZQ" for at, name in enumerate(names)}, "group": _HEADING}]
    )
    made = GT(
        frame if headed else frame.drop(columns="group"), rowname_col="stub", groupname_col="group" if headed else None
    )
    made = made.tab_stubhead(token(table.stub))
    made = made.cols_label({name: token(column.name) for name, column in zip(names, table.columns, strict=True)})
    for start, (label, width) in _spanned(table):
        made = made.tab_spanner(token(label), columns=names[start : start + width])
    wide = [name for name, column in zip(names, table.columns, strict=True) if column.wide]
    narrow = [name for name in names if name not in wide]
    made = made.cols_align("right", columns=narrow) if narrow else made
    return made.cols_align("left", columns=wide) if wide else made


def _spanned(table: Table) -> list[tuple[int, tuple[Text, int]]]:
    """Headings above the headings, each with the column it starts at."""
    starts = [sum(width for _, width in table.spans[:at]) for at in range(len(table.spans))]
    return [
        (start, (label, width)) for start, (label, width) in zip(starts, table.spans, strict=True) if label is not None
    ]


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


Writer = Callable[[Rendered, str, str, Path], object]


def write_tables(tables: Sequence[Rendered], folder: Path, lang: str, note: str, stages: Stages) -> list[Path]:
    """Write every table in every format.

    Parameters
    ----------
    tables : sequence of Rendered
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
