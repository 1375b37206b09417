"""Tables through great-tables: markup for the page (our classes, no inline styles), whole HTML files, LaTeX.

great-tables escapes every text. For the page it is given tokens instead of texts, which are replaced by our own escaped
markup: two languages, and numbers that carry their source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from wwm_models.report.tables.record import Table, written
from wwm_models.report.texts import Text

if TYPE_CHECKING:
    from great_tables import GT

_TOKEN = re.compile(r"QZ(\d+)ZQ")
# Ids repeat between tables, and inline styles are what the page's policy forbids.
_UNWANTED = re.compile(r' (?:id|headers|style|data-quarto-\w+(?:-\w+)*)="[^"]*"')
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "→": r"$\to$",
}  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """A table laid out by great-tables with tokens, and what the tokens stand for."""

    table: Table
    html: str
    latex: str
    items: tuple[Any, ...]


def rendered(table: Table, *, latex: bool) -> Rendered:
    """Lay a table out once; page and files are then filled in from it."""
    items: list[Any] = []

    def token(item: Any) -> str:
        items.append(item)
        return f"QZ{len(items) - 1}ZQ"

    with pd.option_context(
        "mode.string_storage", "python"
    ):  # great-tables sets cells one by one, which copies Arrow columns
        made = _great(table, token)
        return Rendered(table, made.as_raw_html(), made.as_latex() if latex else "", tuple(items))


def on_page(made: Rendered, lang: str) -> Markup:
    """The table as the page holds it: inside a region that scrolls by itself and can be reached by keyboard.

    Parameters
    ----------
    made : Rendered
    lang : {"nl", "en"}
        The language in which numbers are first written; the page's script rewrites them.
    """
    caption = made.table.caption
    html = _table_only(made.html).replace("<thead>", "<caption>QZcaptionZQ</caption><thead>", 1)
    html = _TOKEN.sub(lambda found: str(_marked(made.items[int(found.group(1))], lang)), html)
    html = html.replace("QZcaptionZQ", str(Markup(caption.__html__())), 1)
    return Markup('<div class="scroll" role="region" tabindex="0" data-label-nl="{}" data-label-en="{}" aria-label="{}">{}</div>').format(
        caption.nl, caption.en, caption.of(lang), Markup(html)
    )  # fmt: skip


def standalone(made: Rendered, lang: str, note: str) -> str:
    """One HTML file with great-tables' own style."""
    body = re.sub(r'id="[a-z]{10}"|#[a-z]{10}\b', lambda found: _steady(found.group(0)), made.html)
    body = _TOKEN.sub(lambda found: str(escape(written(made.items[int(found.group(1))], lang))), body)
    caption = escape(made.table.caption.of(lang))
    notes = "".join(f"<p>{escape(line)}</p>\n" for line in notes_of(made.table, lang, note))
    head = f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8"><title>{caption}</title></head>\n'
    return f"{head}<body>\n<h1>{caption}</h1>\n{body}\n{notes}</body>\n</html>\n"


def latex(made: Rendered, lang: str, note: str) -> str:
    """A LaTeX table; needs booktabs, caption and array."""
    body = _TOKEN.sub(lambda found: _escaped(written(made.items[int(found.group(1))], lang)), made.latex)
    caption = f"\\caption{{{_escaped(made.table.caption.of(lang))}}}\n"
    notes = "".join(f"\\par\\small {_escaped(line)}\n" for line in notes_of(made.table, lang, note))
    return body.replace("\\begin{table}[!t]\n", f"\\begin{{table}}[!t]\n{caption}", 1).replace(
        "\\end{table}", f"{notes}\\end{{table}}"
    )


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in text)


def notes_of(table: Table, lang: str, note: str) -> list[str]:
    """Lines under a table."""
    return [line for line in (*(text.of(lang) for text in table.notes), note) if line]


def _steady(found: str) -> str:
    """The random name that great-tables gives a table, replaced so that writing twice gives the same bytes."""
    return "#published" if found.startswith("#") else 'id="published"'


def _marked(item: Any, lang: str) -> Markup:
    if isinstance(item, Text):
        return Markup(item.__html__())
    return Markup(escape(item.of(lang)))


def _great(table: Table, shown: Any) -> GT:
    from great_tables import GT

    names = [f"c{number}" for number in range(len(table.columns))]
    headed = any(heading is not None for heading, _ in table.groups)
    records = [
        {"group": "", "stub": shown(line.name), **dict(zip(names, (shown(cell) for cell in line.cells), strict=True))}
        | ({"group": heading_text} if headed else {})
        for heading, lines in table.groups
        for heading_text in [shown(heading or Text("", "")) if headed else ""]
        for line in lines
    ]
    frame = pd.DataFrame(records, columns=pd.Index(["group", "stub", *names]))
    if not headed:
        frame = frame.drop(columns="group")
    made = GT(frame, rowname_col="stub", groupname_col="group" if headed else None).tab_stubhead(shown(table.stub))
    made = made.cols_label({name: shown(column.name) for name, column in zip(names, table.columns, strict=True)})
    for label, columns in _spans(table, names):
        made = made.tab_spanner(shown(label), columns=columns)
    wide = [name for name, column in zip(names, table.columns, strict=True) if column.wide]
    narrow = [name for name in names if name not in wide]
    made = made.cols_align("right", columns=narrow) if narrow else made
    return made.cols_align("left", columns=wide) if wide else made


def _spans(table: Table, names: list[str]) -> list[tuple[Text, list[str]]]:
    found: list[tuple[Text, list[str]]] = []
    for name, column in zip(names, table.columns, strict=True):
        if column.span is None:
            continue
        if found and found[-1][0] == column.span:
            found[-1][1].append(name)
        else:
            found.append((column.span, [name]))
    return found


def _table_only(html: str) -> str:
    start, end = html.index("<table"), html.rindex("</table>") + len("</table>")
    return re.sub(r"\n\s*", "", _UNWANTED.sub("", html[start:end]))
