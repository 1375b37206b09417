"""Tables through great-tables: markup for the page (our classes, no inline styles), whole HTML files, LaTeX.

great-tables lays out one line of a table, and one heading where it has groups; every other line is that line with other
cells. (It sets cells one by one in a data frame, so that a table of a hundred lines takes a second.) It is given tokens
instead of texts, which are replaced by texts that are escaped here, or by markup in two languages with numbers that carry
their source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from wwm_models.report.tables.record import Table, written
from wwm_models.report.texts import Text

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
    lang : {"nl", "en"}
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
