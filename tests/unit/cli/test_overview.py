"""What `wwm check` prints."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pyreadstat
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


def test_the_labels_of_the_file_stand_beside_the_answers_and_small_groups_have_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pyreadstat.write_sav(
        pd.DataFrame({"v1": [1.0] * 40 + [2.0] * 30 + [3.0] * 7 + [4.0] * 12 + [9.0] * 3}),
        str(tmp_path / "data.sav"),
        variable_value_labels={"v1": {1: "Never", 2: "Every month", 3: "every week", 5: "DAILY", 9: "No answer"}},
    )
    (tmp_path / "codebook.toml").write_text(
        '[variables.wish]\ncolumn = "v1"\nkind = "ordered"\nmissing = [{ codes = [9], reason = "refused" }]\nlevels = [\n'
        '{ id = "never", codes = [1] }, { id = "monthly", codes = [2, 4] }, { id = "often", codes = [3], en = "every week" }, '
        '{ id = "daily", codes = [5] } ]\n',
        encoding="utf-8",
    )
    assert main(["check", str(tmp_path), "--data", str(tmp_path / "data.sav")]) == 0
    said = capsys.readouterr().out.splitlines()
    start = said.index("  wish (ordered): wish")
    assert said[start - 1 : start + 10] == [
        f"  {'':<44}   count  weighted %  in the file",
        "  wish (ordered): wish",
        f'    {"never":<42}      40        44.9  1 "Never"',
        f'    {"monthly":<42}      42        47.2  2 ? "Every month", 4',
        f'    {"often":<42}     <10              3 "every week"',
        f'    {"daily":<42}       0         0.0  5 "DAILY"',
        f'    {"missing: refused":<42}       3              9 "No answer"',
        "  (<10: fewer than 10 respondents; their number is not shown)",
        "  LOOK: the labels marked ? are no name of the answer they are read as: wish = monthly. See that each is read rightly;",
        "    if so, write it as `text` of its level.",
        "",
    ]


def test_printed_numbers_without_a_value_are_listed_with_how_to_type_them_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pd.DataFrame({"wish": ["no", "yes"] * 20, "w": 1.0}).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "codebook.toml").write_text(BOOK, encoding="utf-8")
    (tmp_path / "first.toml").write_text('outcome = "wish"\nfamily = "cumulative"\n')
    numbers = [
        'id = "P1", category = "yes", value = 50',
        *(f'id = "F{place}", category = "yes", where = "figure {place}"' for place in (1, 2)),
    ]
    article = (
        "published = [ "
        + ", ".join(f'{{ outcome = "wish", {number} }}' for number in numbers)
        + ' ]\n[article]\ntitle = "x"\n'
    )
    (tmp_path / "article.toml").write_text(article, encoding="utf-8")
    assert main(["check", str(tmp_path), "--data", str(tmp_path / "data.csv")]) == 0
    said = capsys.readouterr().out
    told = said[said.index("Claims   ") :].splitlines()
    assert told[:4] == [
        "Claims   0; printed numbers: 1",
        "         without a value yet: 2, which only a figure's image shows",
        "           figure 1: F1",
        "           figure 2: F2",
    ]
    assert " ".join(line.strip() for line in told[4:]) == (
        "To use one, add `value = 41` (percent) to its line in article.toml, such as that of F1, and run again: verdicts, bounds and "
        "the page take it from there."
    )
