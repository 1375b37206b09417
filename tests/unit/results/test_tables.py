"""Text in the csv of a run does nothing to who reads it: no spreadsheet computes it, no terminal obeys it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from wwm_models.results.atomic_files import read_table, write_table

TEXTS = {
    "a bell": ("ring\x07 it", "ring it"),
    "zero": ("a\x00b", "ab"),
    "escape": ("\x1b[2J\x1b[31mred", "[2J[31mred"),
    "eight bits": ("a\x9bb", "ab"),
    "next line": ("a\x85b", "a b"),
    "form feed": ("a\x0cb", "a b"),
    "turned": ("\u202eabc\u2066", "abc"),
    "surrogate": ("a\ud800b", "ab"),
    "formula": ("=1+1", "'=1+1"),
    "formula behind a bell": ("\x07=1+1", "'=1+1"),
    "formula behind a turn": ("\u202e@SUM(A1)", "'@SUM(A1)"),
    "lines stay": ("one\ntwo", "one\ntwo"),
    "scripts stay": ("é 数字 العربية 👩\u200d👧", "é 数字 العربية 👩\u200d👧"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_cells_are_harmless(kind: str, tmp_path: Path):
    given, written = TEXTS[kind]
    write_table(pd.DataFrame({"text": pd.Series([given], dtype=object), "number": [-1.5]}), tmp_path / "some.csv")
    assert read_table(tmp_path / "some.csv").to_dict("records") == [{"text": written, "number": -1.5}]
