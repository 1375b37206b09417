"""What `wwm check` prints."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest

from wwm_models.cli.main import main

BOOK = """
[survey]
weight = "w"
[variables.wish]
column = "wish"
kind = "ordered"
levels = [{ id = "no" }, { id = "yes" }]
"""


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1000.0, 2013.4, 2500.0, 1500.0], "Weights  sampling: 1,000 to 2,500, mean 1,753 (largest 1.4 times the mean), 0 zero"),
        ([0.0004, 0.0005, 0.00071234, 0.0], "Weights  sampling: 0 to 0.000712, mean 0.000403 (largest 1.8 times the mean), 10 zero"),
    ],
)  # fmt: skip
def test_weights_of_any_size_are_plain_numbers(
    weights: list[float], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    answers = ["no", "yes"] * 2 * 10
    pd.DataFrame({"wish": answers, "w": weights * 10}).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "codebook.toml").write_text(BOOK, encoding="utf-8")
    assert main(["check", str(tmp_path), "--data", str(tmp_path / "data.csv")]) == 0
    assert said in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("values", "term", "warned"),
    [
        ([1, 2, 3, 1], "", True),
        ([1, 2, 2, 1], "", False),  # one slope says all of two values
        ([1.5, 2, 3, 1], "", False),  # no codes
        (range(20, 60), "", False),
        ([1, 2, 3, 1], '[terms]\nsite = "C(site)"', False),
    ],
)
def test_codes_that_would_be_a_straight_line_are_shown(
    values: list[float], term: str, warned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    sites = [value for _, value in zip(range(40), itertools.cycle(values), strict=False)]
    pd.DataFrame({"wish": ["no", "yes"] * 20, "w": 1.0, "site": sites}).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "codebook.toml").write_text(
        BOOK + '[variables.site]\ncolumn = "site"\nkind = "number"\n', encoding="utf-8"
    )
    (tmp_path / "first.toml").write_text(f'outcome = "wish"\nfamily = "cumulative"\nadjusters = ["site"]\n{term}\n')
    assert main(["check", str(tmp_path), "--data", str(tmp_path / "data.csv")]) == 0
    said = "LOOK: site is a number with 3 values: fitted as one slope (first)."
    assert (said in capsys.readouterr().out) == warned
