"""causal.toml: what it refuses, and the estimands and adjusters that follow from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wwm_models.errors import DeclarationError
from wwm_models.estimates.causal_diagram import diagram_from, read_diagram
from wwm_models.report.figures import ComparisonRows
from wwm_models.report.text import Labels
from wwm_models.results.results import Results
from wwm_models.study.declarations import model_of, priors_in, requests_of
from wwm_models.study.model_files import read_model
from wwm_models.study.posteriors import sampled_requests
from wwm_models.survey.survey import Variable

AGE_AND_HOUSEHOLD = """
[exposures.age]
before = ["gender"]
between = ["home"]
also = ["school"]
[exposures.home]
before = ["age", "gender", "school"]
[not_controlled]
nl = "beroep"
en = "occupation"
"""
MODEL = 'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age", "home"]\n'


def folder_with(folder: Path, diagram: str, model: str = MODEL) -> Path:
    (folder / "causal.toml").write_text(diagram, encoding="utf-8")
    (folder / "wish.toml").write_text(model, encoding="utf-8")
    return folder / "wish.toml"


@pytest.mark.parametrize(
    ("diagram", "message"),
    [
        (
            '[exposures.age]\nbetween = ["home"]\n[exposures.home]\nbetween = ["age"]\n',
            "causal.toml: age -> home -> age is a circle. Expected that nothing comes before itself. Look at [exposures.age] `between`, "
            "[exposures.home] `between`, and remove one of these steps.",
        ),
        (
            '[exposures.age]\nbefore = ["home"]\n[exposures.home]\nbefore = ["age"]\n',
            "causal.toml: age -> home -> age is a circle. Expected that nothing comes before itself. Look at [exposures.home] `before`, "
            "[exposures.age] `before`, and remove one of these steps.",
        ),
        (
            '[exposures.a]\nbetween = ["b"]\n[exposures.b]\nbefore = ["a"]\nbetween = ["c"]\n[exposures.c]\nbefore = ["b"]\nbetween = ["a"]\n',
            "causal.toml: a -> b -> c -> a is a circle. Expected that nothing comes before itself. Look at [exposures.a] `between`, "
            "[exposures.b] `between`, [exposures.c] `between`, and remove one of these steps.",
        ),
        (
            '[exposures.age]\nbefore = ["home"]\nbetween = ["home"]\n',
            'causal.toml [exposures.age]: "home" stands in `before` and in `between`. Expected one place: before the exposure (a confounder), between '
            "it and the answers (a mediator), or also held equal. Remove it from one of the two.",
        ),
        (
            '[exposures.age]\nbetween = ["home"]\nalso = ["home"]\n',
            'causal.toml [exposures.age]: "home" stands in `between` and in `also`. Expected one place: before the exposure (a confounder), between '
            "it and the answers (a mediator), or also held equal. Remove it from one of the two.",
        ),
        (
            '[exposures.age]\nbefore = ["home", "home"]\n',
            'causal.toml [exposures.age]: "home" stands twice in `before`. Expected each variable once. Remove one of the two.',
        ),
        (
            '[exposures.age]\nbetween = ["age"]\n',
            'causal.toml [exposures.age]: `between` names "age" itself. Expected other variables: nothing comes before or after itself. Remove it.',
        ),
        (
            '[exposures.age]\nbetween = ["home"]\n[exposures.home]\nbefore = ["gender"]\n',
            'causal.toml [exposures.home]: `before` leaves out "age", which comes before it by [exposures.age] `between`, and before the answers: '
            "a confounder. Expected it among those. Add it.",
        ),
        (
            '[exposures.age]\nestimand = "direct"\n',
            'causal.toml [exposures.age]: `estimand` is "direct". Expected one that it has: descriptive, total. Write one of these.',
        ),
        (
            '[exposures.age]\nbetween = ["home"]\nestimand = "dirct"\n',
            'causal.toml [exposures.age]: `estimand` is "dirct". Expected one that it has: descriptive, total, direct. Did you mean "direct"? '
            "Write one of these.",
        ),
        (
            '[exposures.age]\nbefor = ["home"]\n',
            'causal.toml [exposures.age]: unknown key "befor". Known keys: before, between, also, estimand. Did you mean "before"?',
        ),
        (
            '[exposures.age]\nbefore = [1]\n',
            'causal.toml [exposures.age]: `before` is [1]. Expected a list of texts, like ["...", "..."]. Repair that line.',
        ),
        (
            "[exposures]\n",
            "causal.toml [exposures]: it is empty. Expected a table for each exposure, such as [exposures.age_group]. Add one, or remove the file.",
        ),
        (
            "[exposures]\nage = 3\n",
            "causal.toml [exposures]: `age` is 3. Expected a table, like { ... }. Repair that line.",
        ),
        (
            '[exposures.age]\n[not_controlled]\nfr = "x"\n',
            'causal.toml, `not_controlled`: unknown key "fr". Known keys: de, en, nl.',
        ),
        (
            '[exposures.age]\n[not_controlled]\nnl = " "\n',
            "causal.toml, `not_controlled`: `nl` is ' '. Expected a text between quotes, which is not empty. Repair that line.",
        ),
    ],
)  # fmt: skip
def test_a_diagram_that_contradicts_itself_is_refused_where_it_is_read(tmp_path: Path, diagram: str, message: str):
    path = folder_with(tmp_path, diagram)
    with pytest.raises(DeclarationError) as caught:
        read_diagram(tmp_path)
    assert str(caught.value) == f"{tmp_path}/{message}"
    with pytest.raises(DeclarationError):
        read_model(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'adjusters = ["school"]\n',
            'wish.toml: the total of age leaves out "gender", which comes before it and the answers by causal.toml [exposures.age]: a confounder. '
            "Expected it among what is held equal. Add it to `adjusters` or `exposures`.",
        ),
        (
            'adjusters = ["gender", "school", "scool"]\n',
            'wish.toml: `adjusters` names "scool", which has no place in {folder}/causal.toml for age, home. Expected some of: gender, school. '
            'Did you mean "school"? Give it a place there, or remove it here.',
        ),
        (
            'estimands = ["total"]\nadjusters = ["gender"]\n',
            'wish.toml: the total of home leaves out "age", which comes before it and the answers by causal.toml [exposures.home]: a confounder. '
            "Expected it among what is held equal. Add it to `adjusters` or `exposures`, or leave `estimands` out, so that they follow from the "
            "diagram.",
        ),
        (
            'estimands = ["home-adjusted"]\nadjusters = ["gender"]\n',
            'wish.toml: the home-adjusted number of home leaves out "school", which comes before it and the answers by causal.toml [exposures.home]: a '
            "confounder. Expected it among what is held equal. Add it to `adjusters` or `exposures`, or leave `estimands` out, so that they follow "
            "from the diagram.",
        ),
    ],
)  # fmt: skip
def test_a_model_that_contradicts_the_diagram_is_refused(tmp_path: Path, line: str, message: str):
    path = folder_with(tmp_path, AGE_AND_HOUSEHOLD, MODEL + line)
    with pytest.raises(DeclarationError) as caught:
        read_model(path)
    assert str(caught.value) == f"{tmp_path}/{message.format(folder=tmp_path)}"


def test_a_mediator_adjusted_for_in_a_total_is_refused(tmp_path: Path):
    model = MODEL.replace('"age", "home"', '"age"') + 'estimands = ["total"]\nadjusters = ["gender", "home"]\n'
    path = folder_with(tmp_path, AGE_AND_HOUSEHOLD, model)
    with pytest.raises(DeclarationError) as caught:
        read_model(path)
    assert str(caught.value) == (
        f'{path}: the total of age is adjusted for "home", which lies between it and the answers by {tmp_path}/causal.toml [exposures.age]. Expected a '
        "total without its mediators. Leave `estimands` out, so that they follow from the diagram, or repair `adjusters`."
    )


def test_an_exposure_without_a_place_is_refused(tmp_path: Path):
    path = folder_with(tmp_path, '[exposures.ages]\nbefore = ["gender"]\n', MODEL)
    with pytest.raises(DeclarationError) as caught:
        read_model(path)
    assert str(caught.value) == (
        f'{path}: `exposures` names "age", of which {tmp_path}/causal.toml says nothing. Declared there: ages. Did you mean "ages"? '
        "Add [exposures.age] there, or write `estimands` here."
    )


def test_fits_and_their_formulas_follow_from_the_diagram(tmp_path: Path):
    spec = read_model(folder_with(tmp_path, AGE_AND_HOUSEHOLD, MODEL + 'nonproportional = ["home"]\n'))
    assert spec.adjusters == ("gender", "school")
    assert spec.estimands == ("total", "conditional", "direct")
    found = {
        model_of(spec, one).formula: (one.label, one.reported, model_of(spec, one).nonproportional)
        for one in requests_of(spec, [("age", "home")])
    }
    assert found == {
        "wish ~ age + home + gender + school": (
            "all exposures",
            (("overall", ()), ("direct", ("age",)), ("total", ("home",)), ("joint", ("age", "home"))),
            ("home",),
        ),
        "wish ~ age + gender + school": ("conditional age", (("conditional", ("age",)),), ()),
        "wish ~ age + gender": ("total age", (("total", ("age",)),), ()),
    }


def test_a_model_without_the_mediator_reports_no_direct_effect(tmp_path: Path):
    model = MODEL.replace('"age", "home"', '"age"') + 'adjusters = ["gender"]\n'
    spec = read_model(folder_with(tmp_path, AGE_AND_HOUSEHOLD, model))
    assert spec.estimands == ("total",)
    assert [(one.label, one.reported) for one in requests_of(spec)] == [
        ("all exposures", (("overall", ()), ("total", ("age",))))
    ]


def test_what_is_held_equal_follows_from_what_a_claim_names(tmp_path: Path):
    folder_with(tmp_path, AGE_AND_HOUSEHOLD)
    diagram = read_diagram(tmp_path)
    assert diagram is not None
    asked = [
        ((), ""),
        (("age",), ""),
        (("age",), "direct"),
        (("age",), "conditional"),
        (("home",), "direct"),
        (("home",), "descriptive"),
    ]
    found = [diagram.estimand(by, name) for by, name in asked]
    assert found == ["descriptive", "total", "direct", "conditional", "total", "descriptive"]
    held = [diagram.adjusters(by, name) for (by, _), name in zip(asked, found, strict=True) if by]
    assert held == [("gender",), ("gender", "school", "home"), ("gender", "school"), ("age", "gender", "school"), ()]
    assert diagram.estimand(("home", "age")) == "joint"
    assert diagram.adjusters(("age", "home"), "joint") == ("gender", "school")
    assert diagram_from(diagram.plain()).exposures == diagram.exposures


def test_a_study_without_a_diagram_has_none(tmp_path: Path):
    assert read_diagram(tmp_path) is None


def labels_of(folder: Path) -> Labels:
    folder_with(folder, AGE_AND_HOUSEHOLD)
    diagram = read_diagram(folder)
    assert diagram is not None
    names = {
        "age": ("leeftijd", "age"),
        "home": ("huishouden", "household"),
        "gender": ("geslacht", "gender"),
        "school": ("opleiding", "education"),
    }
    variables = {name: Variable(name, "nominal", (), *both) for name, both in names.items()}
    return Labels(Results("s", "s", True, "en", {}, variables, {}, {}, {"diagram": diagram.plain()}))


def test_the_page_says_in_words_all_that_is_held_equal(tmp_path: Path):
    labels = labels_of(tmp_path)
    assert [one.of("en") for one in labels.held_equal()] == [
        "age: as the respondents are, with nothing held equal",
        "age: total, with gender held equal",
        "age: total among people alike in education, with gender, education held equal",
        "age: not through household, with gender, education, household held equal",
        "household: as the respondents are, with nothing held equal",
        "household: total, with age, gender, education held equal",
    ]
    assert [one.of("nl") for one in labels.held_equal(["home"])] == [
        "huishouden: zoals de respondenten zijn, met niets gelijk gehouden",
        "huishouden: totaal, met leeftijd, geslacht, opleiding gelijk gehouden",
    ]
    assert (
        labels.estimand("direct", by="age").of("de")
        == "nicht über household; gleich gehalten: gender, education, household"
    )
    assert (
        labels.estimand("joint", by="age;home").of("nl")
        == "leeftijd, huishouden samen, met geslacht, opleiding gelijk gehouden"
    )
    assert [labels.not_controlled.of(lang) for lang in ("nl", "en")] == ["beroep", "occupation"]


def test_the_direct_effect_stands_beside_the_total(tmp_path: Path):
    labels = labels_of(tmp_path)

    def row(estimand: str, by: str, group: str) -> dict[str, str]:
        return {"model": "wish", "estimand": estimand, "outcome": "wish", "category": "often", "by": by, "group": group}

    rows = (
        row("direct", "age", "age=old"),
        row("total", "home", "home=alone"),
        row("conditional", "age", "age=old"),
        row("total", "age", "age=old"),
    )
    comparison = ComparisonRows(labels, rows)
    assert [one["estimand"] for one in comparison.shown("wish", "age")] == ["total"]
    beside = {key[1]: one["estimand"] for key, one in comparison.beside.items()}
    assert beside == {"age": "direct", "home": "total"}


def test_posteriors_are_of_the_largest_fit_and_of_those_that_judge_claims(tmp_path: Path):
    """A prior of a term of another fit of the file is not one of this fit's."""
    priors = '[priors]\nslopes = "normal(0, 1)"\nterms = { home = "normal(0, 0.5)", age = "normal(0, 2)" }\n'
    spec = read_model(folder_with(tmp_path, AGE_AND_HOUSEHOLD, MODEL + priors))
    found = sampled_requests(spec, ())
    assert [one.label for one in found] == ["all exposures", "total age"]
    assert [sorted(priors_in(spec, one)["terms"]) for one in found] == [["age", "home"], ["age"]]
    assert [one.label for one in sampled_requests(replace(spec, primary=False), ())] == ["all exposures"]
