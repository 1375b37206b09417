"""A drafted codebook reads its file at once, says what it doubts, and is locked without touching another byte."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from wwm_models.cli.main import main
from wwm_models.errors import DeclarationError, SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.codebook_reader import locked
from wwm_models.survey.ddi import described_by, read_ddi
from wwm_models.survey.draft import draft_codebook, source_of
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.read import read_survey
from wwm_models.survey.survey import Survey

_spec = importlib.util.spec_from_file_location("formats", Path(__file__).parent / "formats.py")
assert _spec is not None
assert _spec.loader is not None
formats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)

DDI = """<?xml version="1.0" encoding="UTF-8"?>
<codeBook xmlns="ddi:codebook:2_5">
 <stdyDscr><citation><titlStmt><titl>A survey of work</titl></titlStmt></citation></stdyDscr>
 <dataDscr>
  <var name="v1" nature="ordinal"><labl>How often at home?</labl>
   <invalrng><range min="8" max="8"/></invalrng>
   <catgry><catValu>1</catValu><labl>never</labl></catgry>
   <catgry><catValu>2</catValu><labl>weekly</labl></catgry>
   <catgry><catValu>3</catValu><labl>daily</labl></catgry>
   <catgry><catValu>8</catValu><labl>don't know</labl></catgry>
   <catgry missing="Y"><catValu>9</catValu><labl>no answer</labl></catgry>
  </var>
  <var name="town" nature="nominal"><qstn><qstnLit>Where do you
   live?</qstnLit></qstn></var>
 </dataDscr>
</codeBook>
"""


def drafted(path: Path, ddi: Path | None = None) -> tuple[str, Survey]:
    """The draft of a file, and the survey that the draft reads."""
    source = source_of(path)
    file = read_file(path, source)
    if ddi is not None:
        file = described_by(file, read_ddi(ddi))
    text = draft_codebook(file, source)
    book = path.with_name("codebook.toml")
    book.write_text(text, encoding="utf-8")
    return text, read_survey(path, book)


@pytest.mark.parametrize("ending", formats.WRITERS)
def test_a_draft_reads_its_own_file(tmp_path: Path, ending: str):
    """Where the format has no labels, 8 and 9 stand apart from 1 to 3: the file is refused until they are declared missing."""
    formats.WRITERS[ending](tmp_path / f"data{ending}")
    if ending not in (".sav", ".zsav", ".dta"):
        with pytest.raises(SurveyError, match=r'holds "8(\.0)?" in 1 of 8 rows'):
            drafted(tmp_path / f"data{ending}")
        book = tmp_path / "codebook.toml"
        declared = '[variables.v1]\nmissing = [{ codes = [8, 9], reason = "no answer" }]'
        book.write_text(book.read_text(encoding="utf-8").replace("[variables.v1]", declared), encoding="utf-8")
        survey = read_survey(tmp_path / f"data{ending}", book)
    else:
        _, survey = drafted(tmp_path / f"data{ending}")
    assert len(survey) == 8
    assert [name.lower() for name in survey.frame.columns] == ["id", "v1", "town", "age"]


def test_labels_missing_values_and_measure_level_come_from_the_file(tmp_path: Path):
    formats.WRITERS[".sav"](tmp_path / "data.sav")
    text, survey = drafted(tmp_path / "data.sav")
    assert survey.variables["v1"].kind == "ordered"
    assert survey.variables["v1"].en == "How often at home?"
    assert [level.id for level in survey.variables["v1"].levels] == ["never", "weekly", "daily"]
    assert survey.missing["v1"].tolist() == ["", "", "", "don't know", "no answer", "no answer", "", ""]
    assert 'perhaps "w"' in text
    assert '{ codes = [8], text = ["don\'t know"], reason = "don\'t know" },  # 1 rows' in text


def test_a_description_gives_a_text_file_what_it_lacks(tmp_path: Path):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    (tmp_path / "ddi.xml").write_text(DDI, encoding="utf-8")
    text, survey = drafted(tmp_path / "data.csv", tmp_path / "ddi.xml")
    assert survey.variables["v1"].kind == "ordered"
    assert [level.en for level in survey.variables["v1"].levels] == ["never", "weekly", "daily"]
    assert survey.missing["v1"].tolist()[3:5] == ["don't know", "no answer"]
    assert 'en = "Where do you live?"' in text
    assert read_ddi(tmp_path / "ddi.xml").title == "A survey of work"


BAD_XML = {
    "<codeBook><dataDscr/></codeBook>": "the XML describes no variable (its root is <codeBook>).",
    "<codeBook>": "not well-formed XML: no element found",
    '<!DOCTYPE x [<!ENTITY a "b">]><codeBook/>': "the XML declares a document type or entities",
}


@pytest.mark.parametrize("text", BAD_XML)
def test_a_description_that_is_none(tmp_path: Path, text: str):
    (tmp_path / "ddi.xml").write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError) as caught:
        read_ddi(tmp_path / "ddi.xml")
    assert BAD_XML[text] in str(caught.value)


def test_a_description_of_another_file(tmp_path: Path):
    (tmp_path / "data.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path / "ddi.xml").write_text(DDI, encoding="utf-8")
    with pytest.raises(SurveyError, match=r"none of the 2 variables it describes \(v1, town\) is a column of"):
        described_by(read_file(tmp_path / "data.csv", Source()), read_ddi(tmp_path / "ddi.xml"))


def test_how_a_text_file_is_written_is_seen_from_its_bytes(tmp_path: Path):
    (tmp_path / "data.csv").write_bytes("naam;gewicht\nZoë;0,5\nAnn;1,5\n".encode("cp1252"))
    assert source_of(tmp_path / "data.csv") == Source(encoding="cp1252", delimiter=";", decimal=",")
    _, survey = drafted(tmp_path / "data.csv")
    assert survey.frame["naam"].tolist() == ["zoe", "ann"]
    assert [level.en for level in survey.variables["naam"].levels] == ["Ann", "Zoë"]


def test_doubts_are_comments_and_stay_errors(tmp_path: Path):
    """An unlabelled code and a number that stands apart are told in the draft, and the file is refused until they are declared."""
    frame = pd.DataFrame({"v1": [1.0, 2, 4] * 5, "age": [20.0, 30, 999] * 5})
    pyreadstat.write_sav(frame, str(tmp_path / "data.sav"), variable_value_labels={"v1": {1.0: "no", 2.0: "yes"}})
    text = draft_codebook(read_file(tmp_path / "data.sav", Source()), Source())
    assert '# CHECK: 4 (n = 5) has no label: a level, or `missing = [{ codes = [4], reason = "..." }]`' in text
    assert "# CHECK: 999 (n = 5) stands apart: declare it missing, or give a minimum and maximum" in text
    with pytest.raises(SurveyError) as caught:
        drafted(tmp_path / "data.sav")
    message = str(caught.value)
    assert message.startswith("2 variables and the file do not agree:\n  1. ")
    assert "4 in v1 (n = 5) has no label, in 5 of 15 rows" in message
    assert '"999" in 5 of 15 rows' in message


def test_hostile_labels_cannot_leave_their_place(tmp_path: Path):
    label = 'a" \n[x]\n # \x7f \\'
    pyreadstat.write_sav(
        pd.DataFrame({"v1": [1.0, 2]}),
        str(tmp_path / "data.sav"),
        column_labels=[label],
        variable_value_labels={"v1": {1.0: label, 2.0: "yes"}},
    )
    text, survey = drafted(tmp_path / "data.sav")
    assert list(tomllib.loads(text)["variables"]) == ["v1"]
    assert survey.variables["v1"].levels[0].en == label


def test_the_draft_of_the_real_surveys_is_read(tmp_path: Path, real_data: Path):
    for name in ("other/insurance.csv", "nsw_rws/2021_rws.csv"):
        path = tmp_path / Path(name).name
        path.write_bytes((real_data / name).read_bytes())
        _, survey = drafted(path)
        assert len(survey) > 600


LOCKS: dict[str, tuple[bytes, bytes]] = {
    "empty": (b'[source]\nsha256 = ""   # why\n[universe]\n', b'[source]\nsha256 = "ab"   # why\n[universe]\n'),
    "other": (b"[source]\r\nsha256='12'\r\n", b'[source]\r\nsha256="ab"\r\n'),
    "absent": (b'[source] # s\ntitle = "x"\n', b'[source] # s\nsha256 = "ab"\ntitle = "x"\n'),
    "no table": (b"[variables]\n", b'[source]\nsha256 = "ab"\n\n[variables]\n'),
    "windows": (b'[source]\r\ntitle = "x"\r\n', b'[source]\r\nsha256 = "ab"\r\ntitle = "x"\r\n'),
}


@pytest.mark.parametrize("case", LOCKS)
def test_a_lock_changes_one_value(case: str):
    before, after = LOCKS[case]
    assert locked(before, "ab", Path("codebook.toml")) == after
    assert locked(after, "ab", Path("codebook.toml")) == after


def test_a_lock_that_cannot_find_its_place_changes_nothing():
    text = b'source = { title = "x" }\n[universe]\nnote = """\n[source]\nsha256 = ""\n"""\n'
    with pytest.raises(DeclarationError, match=r'Write it yourself: `sha256 = "ab"`\.'):
        locked(text, "ab", Path("codebook.toml"))


def test_the_commands_from_file_to_locked_codebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, study = tmp_path / "data.sav", tmp_path / "study"
    study.mkdir()
    formats.WRITERS[".sav"](data)
    assert main(["codebook", "draft", str(data), "--out", str(study / "codebook.toml")]) == 0
    assert main(["codebook", "draft", str(data), "--out", str(study / "codebook.toml")]) == 2
    assert main(["check", str(study), "--data", str(data)]) == 0
    assert main(["codebook", "lock", str(study), "--data", str(data)]) == 0
    out = capsys.readouterr()
    assert "8 rows x 5 columns" in out.out
    assert "missing: don't know" in out.out
    hash_ = read_file(data, Source()).sha256
    assert f'sha256 = "{hash_}"' in (study / "codebook.toml").read_text(encoding="utf-8")
    formats.FRAME.assign(age=40.0).pipe(pyreadstat.write_sav, str(data))
    assert main(["check", str(study), "--data", str(data)]) == 2
    told = capsys.readouterr().err
    assert hash_ in told
    assert read_file(data, Source()).sha256 in told


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ([0, 1, 2, 3, 9], [9]),
        ([0, 1, 2, 3, 4, 5, 6, 7], []),
        ([1, 2, 3, 8, 97, 998], [8, 97, 998]),
        ([1, 5, 9, 13, 17], []),
        ([0, 3, -1, -9], [-9, -1]),
        ([-50, -5, 2], []),
    ],
)
def test_codes_that_stand_apart(values: list[float], flagged: list[float], refused: Callable[..., str]):
    rows = "\n".join(str(value) for value in values)
    book = '[variables.x]\ncolumn = "x"\nkind = "number"\n'
    if not flagged:
        with pytest.raises(pytest.fail.Exception):
            refused(f"x\n{rows}\n", book, SurveyError)
        return
    message = refused(f"x\n{rows}\n", book, SurveyError)
    assert all(f'"{value}"' in message for value in flagged)


def test_an_infinite_number_is_refused(refused: Callable[..., str]):
    book = '[variables.x]\ncolumn = "x"\nkind = "number"\n'
    assert refused("x\n1\n1e999\n", book, SurveyError) == (
        'data.csv: variable "x" (column "x") holds "1e999" in 1 of 2 rows (first rows, counted from 1: 2). Expected finite '
        'numbers. If it is no number, write in codebook.toml, [variables.x]: `missing = [ { text = ["1e999"], reason = "..." } ]`; '
        "else repair the file."
    )


def test_weights_that_differ_too_much_are_told(tmp_path: Path):
    weights = np.ones(400)
    weights[7] = 15.0
    (tmp_path / "data.csv").write_text("y,w\n" + "\n".join(f"a,{w}" for w in weights), encoding="utf-8")
    (tmp_path / "codebook.toml").write_text(
        '[survey]\nweight = "w"\n[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{ id = "a" }, { id = "b" }]\n',
        encoding="utf-8",
    )
    assert read_survey(tmp_path / "data.csv", tmp_path / "codebook.toml").warnings == (
        'Weight "w": 1 of 400 rows (first rows, counted from 1: 8) have more than 10 times the mean weight (the largest 14.5 times). '
        "Look whether they can be meant, or trim them with wwm.trim.",
    )
    weights[20:60] = 12.0
    (tmp_path / "data.csv").write_text("y,w\n" + "\n".join(f"a,{w}" for w in weights), encoding="utf-8")
    (told,) = read_survey(tmp_path / "data.csv", tmp_path / "codebook.toml").warnings
    assert told.startswith('Weight "w": the design effect of unequal weights is 3.')


def test_the_design_of_the_gss_is_suggested_by_its_labels(real_data: Path):
    text = draft_codebook(read_file(real_data / "gss2018.sav", Source()), Source())
    design = [line for line in text.splitlines() if line.startswith(("strata = ", "psu = "))]
    assert [line.partition("; ")[2] for line in design] == ['perhaps "vstrat"', 'perhaps "vpsu"']
    assert tomllib.loads(text)["survey"]["strata"] == ""
    assert "It can be read as it stands, unless a CHECK line says otherwise" in text


def test_a_strategy_is_no_stratum_and_a_file_without_a_design_suggests_none(tmp_path: Path):
    (tmp_path / "data.csv").write_text("strategy,answer\n1,yes\n2,no\n", encoding="utf-8")
    text = draft_codebook(read_file(tmp_path / "data.csv", Source()), Source())
    assert "perhaps" not in text


REFUSALS = ["Refused", "Don't know", "DON\u2019T KNOW (volunteered)", "No answer", "Prefer not to say", "Not applicable", "N/A", "NA", "DK", "Missing",
            "weet niet", "Weet ik niet", "geen antwoord", "wil niet zeggen", "Wil ik niet zeggen", "n.v.t.", "nvt", "onbekend", "Keine Angabe"]  # fmt: skip


@pytest.mark.parametrize("label", REFUSALS)
@pytest.mark.parametrize("ending", [".sav", ".dta", ".csv", ".number"])
def test_what_is_labelled_a_refusal_is_proposed_as_missing_with_a_check(ending: str, label: str, tmp_path: Path):
    if ending == ".csv":  # a text column, as R writes NA
        path, shown = tmp_path / "data.csv", label
        pd.DataFrame({"x": ["good", "bad", "good", label, "bad"]}).to_csv(path, index=False)
    elif ending == ".number":  # a number, of which -1 has a label
        path, shown = tmp_path / "data.sav", f"-1 {label}"
        frame = pd.DataFrame({"x": [20.0, 31, 40.5, -1, 25]})
        pyreadstat.write_sav(frame, str(path), variable_value_labels={"x": {-1.0: label}})
    else:
        path, shown = tmp_path / f"data{ending}", f"-1 {label}"
        writer = pyreadstat.write_sav if ending == ".sav" else pyreadstat.write_dta
        labels = {1: "good", 2: "bad", -1: label}
        writer(pd.DataFrame({"x": [1, 2, 1, -1, 2]}), str(path), variable_value_labels={"x": labels})
    text, survey = drafted(path)
    assert f"# CHECK: {shown} (n = 1) is taken for no answer: if it is one, move it to levels" in text
    assert survey.missing["x"].tolist() == ["", "", "", label, ""]
    assert label not in [level.en for level in survey.variables["x"].levels]


def test_a_text_of_r_among_numbers_is_proposed_as_missing(tmp_path: Path):
    (tmp_path / "data.csv").write_text("age\n18.5\n20\nNA\n31\nNA\n", encoding="utf-8")
    text, survey = drafted(tmp_path / "data.csv")
    assert "# CHECK: NA (n = 2) is taken for no answer: if it is one, move it to levels" in text
    assert survey.missing["age"].tolist() == ["", "", "NA", "", "NA"]


def test_signs_that_carry_a_meaning_stay_in_the_id(tmp_path: Path):
    frame = pd.DataFrame({"x": ["65+", "65", "<18", ">18", "18-34", "50%", "50"]})
    frame.to_csv(tmp_path / "data.csv", index=False)
    labels = {float(code): text for code, text in enumerate(frame["x"])}
    pyreadstat.write_sav(
        pd.DataFrame({"x": list(labels)}), str(tmp_path / "data.sav"), variable_value_labels={"x": labels}
    )
    _, survey = drafted(tmp_path / "data.sav")
    assert {level.en: level.id for level in survey.variables["x"].levels} == {
        "65+": "65_plus", "65": "65", "<18": "under_18", ">18": "over_18", "18-34": "18_34", "50%": "50_percent", "50": "50",
    }  # fmt: skip


def test_one_answer_beside_a_refusal_is_kept_with_a_check(tmp_path: Path):
    (tmp_path / "data.csv").write_text("x\nyes\nRefused\nyes\n", encoding="utf-8")
    text, survey = drafted(tmp_path / "data.csv")
    assert "# CHECK: Refused may be no answer: if so, move it to missing" in text
    assert [level.id for level in survey.variables["x"].levels] == ["refused", "yes"]
