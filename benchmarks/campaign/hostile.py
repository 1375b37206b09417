"""Labels and sentences that try to be more than text: through a whole run, its page in a browser, its files and the terminal."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.campaign.judged import ACCEPTED, CLEAR, RIGHT, TRACEBACK, WRONG, ZERO, Judged, clear, ended
from benchmarks.campaign.kills import Place, drawn_once
from benchmarks.campaign.study import CODEBOOK

HIT = "window.__hit=1"
LABELS = (
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f'"><svg onload={HIT}>',
    f"</script><script>{HIT}</script>",
    f"<!--<script>{HIT}</script>-->",
    f"javascript:{HIT}",
    f"{{{{ {HIT} }}}}",
    "{% raw %}{{ 7*7 }}{% endraw %}",
    "${7*7}",
    "#{7*7}",
    "<b>bold</b>",
    "a & b &amp; c &lt;",
    "]]>",
    "<![CDATA[x]]>",
    "<?php echo 1 ?>",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1+1",
    "' OR 1=1 --",
    '"quoted"',
    "it's",
    "back\\slash",
    "\\input{x}",
    "$x^2$",
    "50%",
    "a_b^c~d#e",
    "*stars* _under_ `code`",
    "| pipe | table |",
    "line one\nline two",
    "tab\there",
    "trailing space ",
    " leading",
    "é ü ñ ß",
    "数字と漢字",
    "العربية",
    "עברית",
    "\u202eright to left",
    "\u2066hidden\u2069",
    "\u200bzero width",
    "😀 👩‍👩‍👧",
    "a" * 400,
    "word " * 100,
    "e\u0301 combining",
    "\u0000",
    "\u001b[2J\u001b[31mred",
    "\u0007bell",
    "\u0085next",
    "\ufeffmark",
    "\ufffe",
    "\ud7ff\ue000",
    "None",
    "nan",
    "NULL",
    "true",
    "0",
    "-",
    ".",
    "..",
    "../../etc/passwd",
    "C:\\x",
    "con",
    "%s %d %n",
    "%(x)s",
    "{0} {name}",
    "\\n",
    "\\u0041",
    "&#x3C;b&#x3E;",
    "data-number",
    "study",
    "SYNTHETIC",
)
SLOTS = ("alone", "together", "never", "some", "often", "huishouden", "household", "nooit", "soms", "vaak")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
LONG = 600  # seconds of a whole run, on a machine that others use too
Open = Callable[[Path, str], list[str]]


def labelled(labels: list[str]) -> str:
    """The codebook with labels in place of those it has: answers, groups and a variable, in both languages."""
    text = CODEBOOK
    for slot, label in zip(SLOTS, labels, strict=False):
        quoted = json.dumps(label, ensure_ascii=True).replace("\\ud7ff\\ue000", "\\ud7ff")
        for key in ("nl", "en"):
            text = text.replace(f'{key} = "{slot}"', f"{key} = {quoted}")
    return text


@contextmanager
def browser() -> Iterator[Open | None]:
    """A function that opens a page and gives what was said or asked for that should not have been; None without a browser."""
    found = shutil.which("chromium")
    if found is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=list(FLAGS))

        def opened(path: Path, fragment: str) -> list[str]:
            said: list[str] = []
            context = started.new_context()
            context.set_default_timeout(300_000)
            tab = context.new_page()
            tab.on("console", lambda message: said.append(f"console: {message.text[:200]}"))
            tab.on("pageerror", lambda problem: said.append(f"error: {problem}"))
            tab.on("dialog", lambda dialog: (said.append("dialog"), dialog.dismiss()))
            tab.on(
                "request",
                lambda request: said.append(f"asked for {request.url}") if request.url != path.as_uri() else None,
            )
            tab.goto(path.as_uri() + fragment)
            tab.wait_for_selector("body[data-ready=yes]", timeout=300_000)
            if tab.evaluate("() => window.__hit") is not None:
                said.append("a label ran as a script")
            context.close()
            return said

        yield opened
        started.close()


def spoiled(folder: Path) -> list[str]:
    """What is wrong with the files of a run: XML that does not parse, cells that a spreadsheet would compute, control characters."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.suffix == ".svg":
                ElementTree.parse(path)
            elif path.suffix == ".docx":
                import docx

                docx.Document(str(path))
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".csv":
                found += [f"{path.name}: {cell[:40]!r}" for cell in _cells(path) if _computed(cell)]
        except Exception as problem:
            found.append(f"{path.name}: {type(problem).__name__}: {problem}")
        if path.suffix in (".svg", ".csv", ".md", ".tex", ".html") and (
            held := CONTROL.search(path.read_text(encoding="utf-8", errors="replace").replace("\r", ""))
        ):
            found.append(f"{path.name}: the character U+{ord(held[0]):04X}")
    return found


def _cells(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines):
            yield from row


def _computed(cell: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula: numbers and dashes alone are none."""
    return (
        cell[:1] in "=+-@\t\r"
        and cell[:1] != ""
        and not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|-inf|[-+]", cell, re.IGNORECASE)
    )


def _refused(place: Place, label: str) -> tuple[str, str] | None:
    """What became of a label that the codebook's reader refuses; None of one that it takes."""
    (place.study / "codebook.toml").write_text(labelled([label]), encoding="utf-8")
    column, what = ended(lambda: str(place.here(["check", str(place.study), "--data", str(place.folder / "data.csv")])))
    if column in ZERO:
        return column, what
    if column != "2":
        return None
    message = place.heard()[place.heard().find("wwm: ") + 5 :].strip()
    shown = clear(message) and not CONTROL.search(message)
    return (CLEAR, "") if shown else (TRACEBACK, f"an unclear message: {message!r}")


def _judge(place: Place, labels: list[str], opened: Open | None) -> tuple[str, str]:
    (place.study / "codebook.toml").write_text(labelled(labels), encoding="utf-8")
    said = ""
    for command in (place.new, ["show", str(place.out)], ["claims", str(place.out)]):
        column, what = ended(lambda command=command: str(place.here(command)), LONG)
        if column in ZERO:
            return column, what
        said += place.heard()
        if column not in "01" or "Traceback" in said:
            return TRACEBACK, f"exit {column}: {said[-900:]}"
    if held := CONTROL.search(said):
        return WRONG, f"the terminal got U+{ord(held[0]):04X}"
    if problems := spoiled(place.out):
        return WRONG, f"{len(problems)} files: {problems[:4]}"
    if opened is None:
        return ACCEPTED, ""
    heard = [
        one for fragment in ("#lang=nl", "#lang=en&form=table") for one in opened(place.out / "report.html", fragment)
    ]
    return (WRONG, f"the page: {heard[:4]}") if heard else (RIGHT, "")


def run(judged: Judged, count: int, seed: int, folder: Path) -> None:
    """Judge `count` labels: those that are not refused several in a run, and each alone where a run of several goes wrong."""
    with drawn_once(folder / "drawn"):
        _run(judged, count, Place(folder), random.Random(f"{seed}-hostile"))


def _run(judged: Judged, count: int, place: Place, rng: random.Random) -> None:
    order: list[str] = []
    while len(order) < count:
        order += rng.sample(LABELS, len(LABELS))
    taken: list[str] = []
    for label in order[:count]:
        refused = _refused(place, label)
        if refused is None:
            taken.append(label)
        else:
            judged.add("labels", "refused", refused[0], f"{label[:60]!r}: {refused[1]}")
    with browser() as opened:
        for some in (taken[start : start + len(SLOTS)] for start in range(0, len(taken), len(SLOTS))):
            column, what = _judge(place, some, opened)
            if column in (RIGHT, ACCEPTED):
                for _ in some:
                    judged.add("labels", "several in a run", column)
                continue
            alone = [(label, *_judge(place, [label], opened)) for label in some]
            if all(
                column not in ZERO for _, column, _ in alone
            ):  # only together: then the run itself is what went wrong
                judged.add("labels", "several in a run", column, f"{some}: {what}")
                alone = alone[1:]
            for label, column, what in alone:
                judged.add("labels", "alone in a run", column, f"{label[:60]!r}: {what}")
