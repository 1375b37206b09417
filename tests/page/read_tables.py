"""A publication table read from its Markdown, LaTeX, HTML or Word file: caption, headings, and lines under their group's heading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LATEX = {
    r"\textbackslash{}": "\\", r"\&": "&", r"\%": "%", r"\$": "$", r"\#": "#", r"\_": "_", r"\{": "{", r"\}": "}", r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^", r"\textless{}": "<", r"\textgreater{}": ">", "$-$": "−", r"$\to$": "→", "{[}": "[", "{*}": "*",
}  # fmt: skip


@dataclass
class Read:
    """A table as its file holds it.

    ``heads`` are the headings of the columns, the one above several in front of each with a colon; ``lines`` are (heading of the group,
    name of the line, cells).
    """

    caption: str
    heads: list[str]
    lines: list[tuple[str, str, list[str]]]
    notes: list[str]


def read_table_file(path: Path) -> Read:
    """A table, by the ending of its file."""
    return {".md": _markdown, ".tex": _latex, ".html": _html, ".docx": _word}[path.suffix](path)


def _grouped(rows: list[list[str]], width: int) -> list[tuple[str, str, list[str]]]:
    """Lines under their headings: a row whose other cells are empty, or are not there, is a heading."""
    found: list[tuple[str, str, list[str]]] = []
    heading = ""
    for row in rows:
        if not any(row[1:]):
            heading = row[0]
        else:
            assert len(row) == width, row
            found.append((heading, row[0], row[1:]))
    return found


def _markdown(path: Path) -> Read:
    lines = path.read_text(encoding="utf-8").split("\n")
    caption = _plain(lines[0].removeprefix("**").removesuffix("**"))
    rows = [
        [_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")
    ]
    assert all(re.fullmatch("-+:?", cell) for cell in rows[1])
    assert len({len(row) for row in rows}) == 1
    notes = [_plain(line) for line in lines[1:] if line and not line.startswith("|")]
    bold = [
        [cell.removeprefix("**").removesuffix("**") if not any(row[1:]) else cell for cell in row] for row in rows[2:]
    ]
    return Read(caption, rows[0], _grouped(bold, len(rows[0])), notes)


def _plain(cell: str) -> str:
    return re.sub(r"\\([\\`*_\[\]<>|])", r"\1", cell)


def _latex(path: Path) -> Read:
    text = path.read_text(encoding="utf-8")
    caption = re.search(r"\\caption\{(.*)\}\\\\\n", text)
    first, again, body = re.split(r"\\endfirsthead\n|\\endhead\n", text)
    head = first.partition("\\toprule\n")[2].removesuffix("\\midrule\n")
    assert again == "\\toprule\n" + head + "\\midrule\n"  # the same on every page
    body = body.partition("\\endfoot\n")[2].partition("\\end{longtable}")[0].replace("\\addlinespace[2.5pt]\n", "")
    rows = [_tex_row(row) for row in body.split(" \\\\\n") if row.strip()]
    heads = [
        _tex_row(re.sub(r"\\cmidrule\S*( \\cmidrule\S*)*\n", "", row)) for row in head.split(" \\\\\n") if row.strip()
    ]
    notes = [_tex(one) for one in re.findall(r"\\par\\small (.*)\n", text)]
    return Read(_tex(caption[1]), _spanned(heads), _grouped(rows, len(heads[-1])), notes)


def _tex_row(row: str) -> list[str]:
    cells: list[str] = []
    for cell in re.split(r"(?<!\\)&", row.strip()):
        spanned = re.fullmatch(r"\\multicolumn\{(\d+)\}\{\w\}\{(?:\\textbf\{(.*)\}|(.*))\}", cell.strip())
        cells += (
            [_tex(spanned[2] or spanned[3])]
            + [_tex(spanned[2] or spanned[3]) if len(cells) else ""] * (int(spanned[1]) - 1)
            if spanned
            else [_tex(cell.strip())]
        )
    return cells


def _tex(cell: str) -> str:
    return re.sub("|".join(map(re.escape, LATEX)), lambda found: LATEX[found[0]], cell)


def _spanned(heads: list[list[str]]) -> list[str]:
    """Headings with those above them in front."""
    if len(heads) == 1:
        return heads[0]
    above, names = heads
    assert len(above) == len(names)
    return [f"{one}: {name}" if one else name for one, name in zip(above, names, strict=True)]


class _Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, int, int]]] = []  # text, columns, rows
        self.heads = 0
        self.texts: dict[str, list[str]] = {"h1": [], "p": []}
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.inside = tag
            self.rows[-1].append(("", int(given.get("colspan") or 1), int(given.get("rowspan") or 1)))
        elif tag in self.texts:
            self.inside = tag
            self.texts[tag].append("")
        elif tag == "tbody":
            self.heads = len(self.rows)

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag in ("td", "th", "h1", "p") else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside in ("td", "th"):
            text, columns, rows = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, columns, rows)
        elif self.inside:
            self.texts[self.inside][-1] += data


def _html(path: Path) -> Read:
    read = _Rows()
    read.feed(path.read_text(encoding="utf-8"))
    heads, rows = read.rows[: read.heads], [[text.strip() for text, _, _ in row] for row in read.rows[read.heads :]]
    names = _spanned([[text.strip() for text, across, _ in head for _ in range(across)] for head in heads])
    return Read(read.texts["h1"][0], names, _grouped(rows, len(names)), read.texts["p"])


def _word(path: Path) -> Read:
    from docx import Document

    document = Document(str(path))
    texts = [one.text for one in document.paragraphs if one.text]
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    return Read(texts[0], rows[0], _grouped(rows[1:], len(rows[0])), texts[1:])
