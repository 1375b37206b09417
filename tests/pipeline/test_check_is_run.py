"""`wwm check` refuses exactly what `wwm run` refuses before it fits: both exit 2 with the same words, or neither does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wwm_models.cli.main import main

Change = Callable[[Path], None]


class FirstFitError(BaseException):  # no error of the program: main would catch and explain one
    """A run has come as far as its first fit."""


def added(name: str, text: str) -> Change:
    def change(study: Path) -> None:
        path = study / name
        path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + text, encoding="utf-8")

    return change


def replaced(name: str, old: str, new: str) -> Change:
    def change(study: Path) -> None:
        path = study / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


YEARS = '[variables.years]\ncolumn = "age"\nkind = "number"\n'
PRINTED = (
    '[[published]]\nid = "P{0}"\noutcome = "wish"\ncategory = "{1}"\ngroup = {{ household = "alone" }}\nvalue = {2}\n'
)


def numeric_exposure(study: Path) -> None:
    added("codebook.toml", YEARS)(study)
    replaced("wish.toml", '["age_group", "household"]', '["years", "household"]')(study)


def with_margins(study: Path) -> None:
    (study / "margins.toml").write_text("[margins]\nrows = 3\n", encoding="utf-8")


def printed(*numbers: tuple[str, int]) -> Change:
    rows = (PRINTED.format(place, *number) for place, number in enumerate(numbers, start=2))
    return added("article.toml", "".join(rows))


# what is changed, and part of what is said; an empty text where nothing is wrong
MUTANTS: dict[str, tuple[Change, str]] = {
    "as it is": (lambda study: None, ""),
    "interaction": (added("wish.toml", 'interactions = ["age_group:household"]\n'), ""),
    "star": (added("wish.toml", 'interactions = ["age_group*household"]\n'), '`interactions` names "age_group*household"'),
    "interaction of a stranger": (added("wish.toml", 'interactions = ["age_group:wish"]\n'), '`interactions` names "age_group:wish"'),
    "number of many values": (numeric_exposure, '"years" is a number with 47 values; at most 25 can be groups.'),
    "shares": (added("wish.toml", "population = { household = { alone = 0.4, together = 0.5 } }\n"), 'wish.toml: The shares of "household" add up to 0.9.'),
    "shares of one": (added("wish.toml", "population = { household = { alone = 0.4, together = 0.6 } }\n"), ""),
    "negative share": (added("wish.toml", "population = { household = { alone = -0.4, together = 1.4 } }\n"), "`population` is"),
    "outcome as exposure": (replaced("wish.toml", '["age_group", "household"]', '["age_group", "wish"]'), '"wish" stands in `outcome` and in `exposures`'),
    "exposure as adjuster": (added("wish.toml", 'adjusters = ["household"]\n'), '"household" stands in `exposures` and in `adjusters`'),
    "family": (replaced("wish.toml", '"cumulative"', '"cumulativ"'), 'wish.toml: `family = "cumulativ"`'),
    "link": (added("wish.toml", 'link = "logitt"\n'), "wish.toml: "),
    "nonproportional": (added("wish.toml", 'nonproportional = ["age"]\n'), "wish.toml: "),
    "two judges": (replaced("wish_nominal.toml", "primary = false", "primary = true"), "are both the primary model of wish"),
    "margins": (with_margins, "margins.toml"),
    "sums": (printed(("never", 80), ("some", 80), ("often", 80)), "add up to 240: P2: never 80, P3: some 80, P4: often 80."),
    "rounded sums": (printed(("never", 34), ("some", 34), ("often", 33)), ""),
    "collapse": (printed(("at_least_some", 40), ("some", 30), ("often", 30)), "contradict each other: P2: at_least_some 40"),
    "estimand": (replaced("article.toml", '"household-adjusted"', '"houshold-adjusted"'), '[article]: `estimand` is "houshold-adjusted"'),
    "imputation": (added("wish.toml", '[imputation]\nm = true\nvariables = ["household"]\n'), "`m` is True"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_check_refuses_what_run_refuses(
    name: str, small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    change, said = MUTANTS[name]
    change(small / "study")

    def fits(*_: object) -> None:
        raise FirstFitError

    arguments = [str(small / "study"), "--data", str(small / "data.csv")]
    checked, message = main(["check", *arguments]), capsys.readouterr().err
    monkeypatch.setattr("wwm_models.study.run.finished_models", fits)
    if not said:
        assert checked == 0
        with pytest.raises(FirstFitError):
            main(["run", *arguments, "--out", str(small / "out")])
        return
    assert (checked, main(["run", *arguments, "--out", str(small / "out")])) == (2, 2)
    ran = capsys.readouterr().err.strip().splitlines()[-1]
    assert ran == message.strip().splitlines()[-1]
    assert said in ran
