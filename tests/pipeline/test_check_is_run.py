"""`wwm check` refuses exactly what `wwm run` refuses before it fits: both exit 2 with the same words, or neither does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
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


def in_parquet(*parts: str) -> Callable[[Path], None]:
    """The data file in parts, and perhaps in a folder."""

    def written(folder: Path) -> None:
        table = pd.read_csv(folder / "data.csv")
        for place, name in enumerate(parts):
            (folder / name).parent.mkdir(exist_ok=True)
            table.iloc[place :: len(parts)].to_parquet(folder / name)

    return written


def large(folder: Path) -> None:
    table = pd.concat([pd.read_csv(folder / "data.csv")] * 400, ignore_index=True)
    table.assign(id=table.index).to_parquet(folder / "large.parquet")
    replaced("codebook.toml", 'id = "id"', 'id = "id"\nmemory_gb = 0.02')(folder / "study")


def printed(*numbers: tuple[str, int]) -> Change:
    rows = (PRINTED.format(place, *number) for place, number in enumerate(numbers, start=2))
    return added("article.toml", "".join(rows))


OF = '[[published]]\nid = "P2"\noutcome = "wish"\ncategory = "often"\ngroup = {}\nvalue = 30\n'


def by_years(group: str, outcome: str = "wish") -> Change:
    def change(study: Path) -> None:
        added("codebook.toml", YEARS)(study)
        added("article.toml", OF.format(group).replace('"wish"', f'"{outcome}"'))(study)

    return change


def drawn(outcomes: str = '["wish"]', by: str = '["age_group"]', more: str = "") -> Change:
    return added("article.toml", f'[[figure]]\nid = "f"\nkind = "answers"\noutcomes = {outcomes}\nby = {by}\n{more}\n')


def in_strata(size: int = 0, lonely: str = "error") -> Change:
    """A design of three provinces, the first with one respondent."""

    def change(study: Path) -> None:
        table = pd.read_csv(study.parent / "data.csv")
        region = ["Drenthe"] + ["Limburg"] * 299 + ["Zeeland"] * 300
        table.assign(region=region, size=size or 5000).to_csv(study.parent / "data.csv", index=False)
        more = f'weight = "w"\nstrata = "region"\nlonely = "{lonely}"\n' + 'fpc = "size"\n' * bool(size)
        replaced("codebook.toml", 'weight = "w"\n', more)(study)

    return change


def marked(study: Path) -> None:
    """Every file begins with the mark that some editors write before UTF-8."""
    for path in study.glob("*.toml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


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
    "interaction turned round": (added("wish.toml", 'interactions = ["age_group:household", "household:age_group"]\n'), '`interactions` names "household:age_group" twice, once as'),
    "levels that look the same": (replaced("codebook.toml", 'id = "together"', 'id = "alone\u00a0"'), "which are the same text but for spaces"),
    "family": (replaced("wish.toml", '"cumulative"', '"cumulativ"'), 'wish.toml: `family = "cumulativ"`'),
    "link": (added("wish.toml", 'link = "logitt"\n'), "wish.toml: "),
    "nonproportional": (added("wish.toml", 'nonproportional = ["age"]\n'), "wish.toml: "),
    "two judges": (replaced("wish_nominal.toml", "primary = false", "primary = true"), "are both the primary model of wish"),
    "margins": (with_margins, "margins.toml"),
    "sums": (printed(("never", 80), ("some", 80), ("often", 80)), "add up to 240: P2: never 80, P3: some 80, P4: often 80."),
    "rounded sums": (printed(("never", 34), ("some", 34), ("often", 33)), ""),
    "collapse": (printed(("at_least_some", 40), ("some", 30), ("often", 30)), "contradict each other: P2: at_least_some 40"),
    "estimand": (replaced("article.toml", '"household-adjusted"', '"houshold-adjusted"'), '[article]: `estimand` is "houshold-adjusted"'),
    "group of the outcome": (added("article.toml", OF.format('{ wish = "often" }')), "speaks of wish = often (wish often): a group of answers to the same question. Expected a group of another variable. Repair `group`."),
    "group of a number": (by_years('{ years = "30" }'), 'speaks of "years", which is a number without levels. Expected a variable with levels. Name another, or cut it into levels in the codebook.'),
    "answer of a number": (by_years("{}", outcome="years"), 'speaks of "years", which is a number without levels. Expected a variable with levels. Name another, or cut it into levels in the codebook.'),
    "figure by its question": (drawn(by='["wish"]'), "[[figure]] f: `by` is [wish], and no model of its outcomes reports such groups. Expected one of: [age_group], [household]. Repair the list, or add the variable to `exposures` of the model."),
    "figure by both": (drawn(by='["age_group", "household"]'), "[[figure]] f: `by` is [age_group, household], and no model of its outcomes reports such groups. Expected one of: [age_group], [household]. Repair the list, or add the variable to `exposures` of the model."),
    "figure without a model": (drawn(outcomes='["household"]'), '[[figure]] f: `outcomes` names "household", which has no model file. Expected some of: wish. Add a model, or repair the list.'),
    "figure of one twice": (drawn(outcomes='["wish", "wish"]'), "[[figure]] f: `outcomes` is ['wish', 'wish']. Expected each once. Repair that line."),
    "figure by one twice": (drawn(by='["age_group", "age_group"]'), "[[figure]] f: `by` is ['age_group', 'age_group']. Expected each once. Repair that line."),
    "figure of an answer twice": (drawn(more='categories = ["some", "some"]'), "[[figure]] f: `categories` is ['some', 'some']. Expected each once. Repair that line."),
    "figure": (drawn(more='categories = ["some", "often"]'), ""),
    "figure of everybody": (drawn(by="[]"), ""),
    "a mark of Windows": (marked, ""),
    "a lonely stratum": (in_strata(), '1 of 3 strata at stage 1 have a single sampling unit (strata Drenthe), so their variance cannot be estimated. Expected two units or more in each. Merge strata, or name a policy: lonely = "certainty", "adjust" or "average".'),
    "a lonely stratum with a policy": (in_strata(lonely="average"), ""),
    "fewer than were sampled": (in_strata(50, "certainty"), "fpc at stage 1: 2 strata declare fewer units than were sampled (first: 50 for 299 sampled). Expected the number of units in the population, or the fraction sampled. Repair the column."),
    "imputation": (added("wish.toml", '[imputation]\nm = true\nvariables = ["household"]\n'), "`m` is True"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_check_refuses_what_run_refuses(
    name: str, small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    change, said = MUTANTS[name]
    change(small / "study")

    parity([str(small / "study"), "--data", str(small / "data.csv")], small / "out", said, capsys, monkeypatch)


# how the data lie, what --data says, and what is refused; an empty text where nothing is wrong
FORMS: dict[str, tuple[Change, str, str]] = {
    "a folder": (in_parquet("parts/a.parquet", "parts/b.parquet"), "parts", ""),
    "a pattern": (in_parquet("a1.parquet", "a2.parquet"), "a*.parquet", ""),
    "too large": (large, "large.parquet", ""),
    "an empty folder": (lambda folder: (folder / "parts").mkdir(), "parts", "this is a folder without parquet files"),
    "a pattern of none": (lambda folder: None, "b*.parquet", "there is no such file."),
    "absent": (lambda folder: None, "b.csv", "there is no such data file."),
}


@pytest.mark.parametrize("name", FORMS)
def test_check_reads_and_counts_what_run_does(
    name: str, small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    change, data, said = FORMS[name]
    change(small)
    parity([str(small / "study"), "--data", str(small / data)], small / "out", said, capsys, monkeypatch)
    assert said or "counted in place: 18 ways of answering" in capsys.readouterr().out


def parity(
    arguments: list[str], out: Path, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both refuse in the same words, or neither refuses; what `check` has printed is printed again."""

    def fits(*_: object) -> None:
        raise FirstFitError

    checked = main(["check", *arguments])
    shown, message = capsys.readouterr()
    monkeypatch.setattr("wwm_models.study.run.finished_models", fits)
    if not said:
        assert checked == 0
        with pytest.raises(FirstFitError):
            main(["run", *arguments, "--out", str(out)])
        print(shown)
        return
    assert (checked, main(["run", *arguments, "--out", str(out)])) == (2, 2)
    ran = capsys.readouterr().err.strip().splitlines()[-1]
    assert ran == message.strip().splitlines()[-1]
    assert said in ran
