"""A file that is not as the codebook guesses it, read by the six recipes of docs/howto/wwm-file.md and nothing else."""

from __future__ import annotations

import difflib
import itertools
import re
import shutil
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from wwm_models.cli.main import main
from wwm_models.demo.respondents import quota_respondents
from wwm_models.survey.read import read_survey

ROOT = Path(__file__).resolve().parents[2]
PAGE, STUDY = ROOT / "docs" / "howto" / "wwm-file.md", ROOT / "models" / "wwm21"
RECIPES = dict(
    re.findall(r"^## \d\. ([^\n]+)\n(.*?)(?=^## )", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)
MOST_LINES, MOST_ROUNDS = 40, 3

NAMES = {
    "respondent": "RespNr", "weegfactor": "Gewicht", "leeftijd": "Lft", "geslacht": "V01", "opleiding": "V02", "betaald_werk": "V03",
    "arbeidsrelatie": "V04", "kan_thuiswerken": "Q10", "thuis_gewenst": "Q12b", "thuis_voor_corona": "Q12a", "effect_relaties": "Q20_1",
    "effect_ontwikkeling": "Q20_2", "effect_promotie": "Q20_3", "effect_autonomie": "Q20_4", "effect_werk_prive": "Q20_5",
    "effect_concentratie": "Q20_6", "effect_hoeveelheid": "Q20_7",
}  # fmt: skip
FREQUENCIES = {
    1: "(Bijna) Iedere dag", 2: "Een aantal keer per week", 3: "Een keer per week", 4: "Een aantal keer per maand", 5: "Een aantal keer per jaar",
    6: "Nooit", 8: "Weet niet", 9: "Geen antwoord",
}  # fmt: skip
EFFECTS = {
    1: "Zeer Negatief",
    2: "Negatief",
    3: "Geen effect",
    4: "Positief",
    5: "Zeer Positief",
    8: "Weet niet",
    9: "Geen antwoord",
}
LABELS = {
    "V01": {1: "Man", 2: "Vrouw"}, "V02": {1: "Laag", 2: "Mbo, havo of vwo", 3: "Hoog"}, "V03": {1: "Ja", 2: "Nee"},
    "V04": {1: "Vast", 2: "Flexibel", 3: "Zelfstandig"}, "Q10": {1: "Ja, geheel", 2: "Ja, gedeeltelijk", 3: "Nee"},
    "V05": {1: "Eenpersoonshuishouden", 2: "Paar zonder thuiswonende kinderen", 3: "Paar met thuiswonende kinderen", 4: "Eenouderhuishouden"},
    "Q12a": FREQUENCIES, "Q12b": FREQUENCIES, **{f"Q20_{number}": EFFECTS for number in range(1, 8)},
}  # fmt: skip


def real_file(path: Path) -> Path:
    """SYNTHETIC respondents as another survey would have stored them: six frequencies highest first, one question on the household."""
    given = quota_respondents(1)
    frame = given[["note", *NAMES]].rename(columns=NAMES).astype(dict.fromkeys(NAMES.values(), float))
    for name in ("Q12a", "Q12b"):
        half = pd.Series(range(len(frame))) % 2 == 0
        frame[name] = frame[name].map({1: 6, 2: 4, 3: 3, 4: 2, 5: 1, 8: 8, 9: 9}).mask((frame[name] == 2) & half, 5)
    frame["Q10"] = frame["Q10"].map({1: 1, 2: 3, 8: 8}).mask((frame["Q10"] == 1) & (frame["RespNr"] % 3 == 0), 2)
    partner, children = given["partner"].astype(float), given["kinderen_thuis"].astype(float)
    frame["V05"] = (partner == 1) * 1.0 + 1 + ((partner == 1) & (children > 0))
    frame["V05"] = frame["V05"].mask((partner == 2) & (children > 0), 4).mask((partner == 9) | (children == 99), 9)
    pyreadstat.write_sav(
        frame,
        str(path),
        variable_value_labels=LABELS,
        missing_ranges={name: [8, 9] for name in ("Q12a", "Q12b", "Q20_1")},
    )
    return path


def follow(book: str, recipe: str) -> str:
    """A codebook changed by the lines of a recipe; the rest of a line that ends in dots stays."""
    for block in re.findall(r"```diff\n(.*?)```", RECIPES[recipe], re.DOTALL):
        lines = block.splitlines()
        before = "".join(re.escape(line[1:].removesuffix("...")) + "([^\n]*)\n" for line in lines if line[0] in " -")
        found = re.findall(before, book)
        assert len(found) == 1, block
        dotted = [line.endswith("...") for line in lines if line[0] in " -"]
        rests = itertools.compress([found[0]] if isinstance(found[0], str) else found[0], dotted)
        after = [
            line[1:].removesuffix("...") + (next(rests) if line.endswith("...") else "")
            for line in lines
            if line[0] in " +"
        ]
        book = re.sub(before, lambda _, made=after: "".join(f"{line}\n" for line in made), book)
    return book


def changed(before: str, after: str) -> int:
    """Lines that are new, other or gone."""
    steps = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in steps if kind != "equal")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_file(tmp_path_factory.mktemp("real") / "wwm.sav")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STUDY, tmp_path / "mystudy", ignore=shutil.ignore_patterns("variants", "README.md")))


def test_the_six_recipes_read_another_file_in_few_lines_and_rounds(
    study: Path, data: Path, capsys: pytest.CaptureFixture[str]
):
    path = study / "codebook.toml"
    first = book = path.read_text(encoding="utf-8")
    said: list[str] = []
    assert list(RECIPES) == [
        "Id and weight",
        "Names",
        "Codes",
        "Labels",
        "Household as one question, or from several",
        "The domain from another question",
    ]
    for step in (["Id and weight", "Names", *list(RECIPES)[4:]], ["Codes", "Labels"]):
        for recipe in step:
            book = follow(book, recipe)
        path.write_text(book, encoding="utf-8")
        done = main(["check", str(study), "--data", str(data)])
        said.append(capsys.readouterr().err)
        if done == 0:
            break
    assert done == 0
    assert len(said) <= MOST_ROUNDS
    assert changed(first, book) <= MOST_LINES
    assert said[0].count('" run the other way round than ') == 2  # both frequencies, by their labels
    assert (
        said[0].count(
            'codebook has: 4 "Een aantal keer per maand", 5 "Een aantal keer per jaar"; give their codes a level too.'
        )
        == 2
    )


def test_another_file_gives_the_same_answers(study: Path, data: Path, tmp_path: Path):
    book = (study / "codebook.toml").read_text(encoding="utf-8")
    (tmp_path / "other.toml").write_text("".join(_followed(book)), encoding="utf-8")
    quota_respondents(1).to_csv(tmp_path / "as-guessed.csv", index=False)
    one = read_survey(tmp_path / "as-guessed.csv", codebook=study / "codebook.toml")
    other = read_survey(data, codebook=tmp_path / "other.toml")
    names = ["desired", "before", "household", "age_group", "relations_direction", "amount_of_work", "education"]
    pd.testing.assert_frame_equal(one.frame[names], other.frame[names])
    assert (one.domain == other.domain).all()


def _followed(book: str) -> str:
    for recipe in RECIPES:
        book = follow(book, recipe)
    return book


def test_a_scale_upside_down_is_refused_without_text_too(study: Path, data: Path, capsys: pytest.CaptureFixture[str]):
    path = study / "codebook.toml"
    book = _followed(path.read_text(encoding="utf-8"))
    a, b = book.index("[answers.frequency]"), book.index("[answers.effect]")
    scale = re.sub(r", text = \[[^]]*\]", "", book[a:b])
    for old, new in (("[6]", "[X]"), ("[1]", "[6]"), ("[X]", "[1]")):
        scale = scale.replace(f"codes = {old}", f"codes = {new}")
    path.write_text(book[:a] + scale + book[b:], encoding="utf-8")
    assert main(["check", str(study), "--data", str(data)]) == 2
    assert (
        f'{data}: the labels of "Q12b" run the other way round than {path}, [variables.desired] (answers: [answers.frequency]): 1 is "(Bijna) Iedere '
        'dag" in the file and "never" in the codebook, 6 is "Nooit" in the file and "almost_daily" in the codebook. Expected each value to mean '
        'the same in both. Write `codes = [6]` for "never", `codes = [1]` for "almost_daily"; where the label in the file is wrong, write it as '
        "`text` of the level that the value is."
    ) in capsys.readouterr().err


def test_an_answer_of_the_article_that_the_codebook_splits_is_named_with_its_line(
    study: Path, data: Path, capsys: pytest.CaptureFixture[str]
):
    path, article = study / "codebook.toml", study / "article.toml"
    book = path.read_text(encoding="utf-8").replace('"few_per_year_or_month"', '"few_per_month"')
    path.write_text(book, encoding="utf-8")
    assert main(["check", str(study), "--data", str(data)]) == 2
    line = next(
        number
        for number, text in enumerate(article.read_text(encoding="utf-8").splitlines(), 1)
        if 'id = "F1.02"' in text
    )
    assert capsys.readouterr().err == (
        f'wwm: {article}, line {line} (F1.02) speaks of the answer "few_per_year_or_month" of desired, which has: never, few_per_month, once_per_week, '
        'several_per_week, almost_daily, at_least_weekly. Did you mean "few_per_month"? Name one of these, or declare it as a collapse in the codebook.\n'
    )
