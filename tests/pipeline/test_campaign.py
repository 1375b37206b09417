"""A part of the campaign: nothing ends in a traceback, a silent wrong number, a lost result or a hanging run.

The seed is another one than those of the committed table (`python -m benchmarks.campaign`).
"""

from __future__ import annotations

import csv
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import benchmarks.campaign.__main__ as campaign
import pytest
from benchmarks.campaign.__main__ import PARTS, counted, joined, page, run_of
from benchmarks.campaign.hostile import spoiled
from benchmarks.campaign.judged import ACCEPTED, COLUMNS, RIGHT, WRONG, ZERO, Judged

RESULTS = Path(campaign.__file__).parents[1] / "results"
SEED = 3
SHARE = 0.1
KINDS = {"data": 100, "declared": 15, "options": 6, "calls": 35, "pairs": 50, "kills": 10, "labels": 1}  # at the least
LEAST = {"mutants": 20_000, "pairs": 5_000, "kills and writes": 500, "labels": 300}
MUTANTS = ("data files", "declarations", "options", "arguments")


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_campaign(name: str):
    """A tenth of it."""
    if name == "labels":  # in a process of its own: the browser of the page's tests leaves an event loop in this one
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            found = alone.submit(run_of, name, SHARE, SEED).result().judged
    else:
        found = run_of(name, SHARE, SEED).judged
    assert [fault for fault in found.faults if fault[2] in ZERO] == []
    assert sum(found.counts.values()) >= PARTS[name][0] * SHARE * 0.8
    assert len({(part, kind) for part, kind, _ in found.counts}) >= KINDS[name]


def _committed() -> list[dict[str, str]]:
    return list(csv.DictReader((RESULTS / "campaign.csv").read_text(encoding="utf-8").splitlines()))


def test_the_committed_table_is_made_of_its_counts_and_is_as_large_as_it_says():
    rows = _committed()
    assert (RESULTS / "campaign.md").read_text(encoding="utf-8") == page(rows)

    def cases(*parts: str) -> int:
        return sum(int(row["cases"]) for row in rows if row["part"] in parts and row["seed"] == "1")

    found = {
        "mutants": cases(*MUTANTS),
        "pairs": cases("pairs"),
        "kills and writes": cases("kills", "writes"),
        "labels": cases("labels"),
    }
    assert {name: count >= LEAST[name] for name, count in found.items()} == dict.fromkeys(LEAST, True), found
    assert len({row["kind"] for row in rows if row["part"] == "pairs"}) >= 50
    assert [row for row in rows if row["ended"] in ZERO] == []


def test_parts_are_joined_by_their_name_and_seed():
    def rows(name: str, seed: int, right: int) -> list[dict[str, str]]:
        judged = Judged()
        for _ in range(right):
            judged.add(name, "some", RIGHT)
        judged.add(name, "some", WRONG)
        return counted([campaign.Run(name, seed, 0.5, "2026-11-30", 7, judged)])

    former = rows("pairs", 1, 2) + rows("pairs", 2, 3)
    judged = Judged()
    judged.add("pairs", "other", ACCEPTED)
    found = joined(former, [campaign.Run("pairs", 1, 1.0, "2026-12-01", 8, judged)])
    assert [(row["seed"], row["kind"], row["ended"], row["cases"]) for row in found] == [
        ("1", "other", ACCEPTED, "1"),
        ("2", "some", RIGHT, "3"),
        ("2", "some", WRONG, "1"),
    ]
    assert "| pairs | 5 | 3 | 0 | 1 | 0 | 1 | 0 |\n| all | 5 | 3 | 0 | 1 | 0 | 1 | 0 |" in page(found)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "x\n=1+1\n", "a.csv: '=1+1'"),
        ("a.csv", "x\n\x07bell\n", "a.csv: the character U+0007"),
        ("a.svg", "<svg>", "a.svg: ParseError: no element found: line 1, column 5"),
        (
            "a.json",
            "{",
            "a.json: JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("a.md", "\u202e", "a.md: the character U+202E"),
    ],
)
def test_the_campaign_sees_a_file_that_is_spoiled(name: str, text: str, said: str, tmp_path: Path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert spoiled(tmp_path) == [said]


def test_the_columns_that_must_be_zero_are_columns():
    assert set(ZERO) < set(COLUMNS)
