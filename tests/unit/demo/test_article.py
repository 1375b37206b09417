"""The declared files of the study agree with each other: every name that is used is declared."""

import re
import tomllib

import pytest
from twin_evaluate import ARTICLE, CODEBOOK, COLLAPSES, COUNTS, STUDY, TESTABLE, VARIABLES

FILES = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in STUDY.glob("*.toml")}
MODELS = {name: content for name, content in FILES.items() if "outcome" in content}


def refs(claim):
    """Every reference of a claim, in whatever place."""
    if isinstance(claim, dict):
        found = [claim] if "outcome" in claim else []
        return found + [ref for value in claim.values() for ref in refs(value)]
    return [ref for item in claim for ref in refs(item)] if isinstance(claim, list) else []


def ids(variable):
    return [level["id"] for level in VARIABLES[variable]["levels"]]


@pytest.mark.parametrize("part", ARTICLE["published"] + TESTABLE, ids=lambda part: part["id"])
def test_every_reference_is_to_a_declared_answer_and_group(part):
    found = refs(part)
    assert found
    for ref in found:
        outcome = ref["outcome"]
        assert ref["category"] in ids(outcome) or (outcome, ref["category"]) in COLLAPSES
        for factor, level in ref["group"].items():
            assert set([level] if isinstance(level, str) else level) <= set(ids(factor))


def test_ids_are_unique_and_claims_are_numbered_in_order():
    every = [part["id"] for part in ARTICLE["published"] + ARTICLE["claim"]]
    assert len(set(every)) == len(every)
    assert [claim["id"] for claim in ARTICLE["claim"]] == [f"C{k:02d}" for k in range(1, len(ARTICLE["claim"]) + 1)]


def test_no_number_is_both_printed_and_an_empty_slot():
    slots = [(p["outcome"], p["category"], tuple(sorted(p["group"].items()))) for p in ARTICLE["published"]]
    assert len(set(slots)) == len(slots)


def test_untestable_claims_say_what_is_missing_and_hold_no_test():
    untested = [claim for claim in ARTICLE["claim"] if "missing" in claim]
    assert len(untested) == 22
    assert all(claim["missing"] and not claim["parts"] for claim in untested)


def test_every_claim_has_both_languages_and_a_place():
    assert all(claim["nl"] and claim["en"] and claim["where"] for claim in ARTICLE["claim"])


def test_every_missing_thing_and_place_is_said_in_dutch():
    places = {part for claim in ARTICLE["claim"] for part in claim["where"].split("; ")}
    said = set(ARTICLE["translations"])
    assert {claim["missing"] for claim in ARTICLE["claim"] if "missing" in claim} <= said
    assert {place for place in places if not place.startswith("figure")} <= said


def test_numbers_of_respondents_are_those_of_the_figures():
    """Figures 1 and 2 rest on everyone who can work from home, figure 3 on those whose household is known."""
    n = ARTICLE["article"]["n"]
    found = {claim["where"].split(";")[0]: {part["n"] for part in claim.get("parts", [claim])} for claim in COUNTS}
    assert found == {"figure 1": {n["figure_1"]}, "figure 2": {n["figure_2"]}, "figure 3": {n["figure_3"]}}


def test_a_margin_or_a_reading_says_who_chose_it():
    chosen = [claim for claim in TESTABLE if claim["kind"] in {"range", "order", "ratio", "equivalence"}]
    chosen += [
        c for c in TESTABLE if any(part["kind"] in {"order", "equivalence", "range"} for part in c.get("parts", []))
    ]
    assert all(claim["margin_by"] for claim in chosen)


@pytest.mark.parametrize("name", MODELS)
def test_models_use_declared_variables(name):
    model = MODELS[name]
    used = [model["outcome"], *model["exposures"], *model["adjusters"]]
    assert all(variable in VARIABLES for variable in used)
    assert VARIABLES[model["outcome"]]["kind"] == {"cumulative": "ordered", "multinomial": "nominal"}[model["family"]]


def test_the_other_files_are_known():
    assert set(FILES) - set(MODELS) == {
        "article",
        "causal",
        "codebook",
        "effects_joint",
        "margins",
        "weighting-margins",
    }


def test_every_outcome_of_a_claim_has_exactly_one_primary_model():
    primary = [model["outcome"] for model in MODELS.values() if model["primary"]]
    assert len(set(primary)) == len(primary)
    assert {ref["outcome"] for claim in TESTABLE for ref in refs(claim)} == set(primary)


def test_collapses_name_levels_of_their_variable_under_an_unused_id():
    for (variable, name), levels in COLLAPSES.items():
        assert set(levels) <= set(ids(variable))
        assert name not in ids(variable)
    assert len(COLLAPSES) == sum(len(part.get("variables", [""])) for part in CODEBOOK["collapses"].values())


def test_every_claim_stands_at_its_sentence_in_the_readme():
    """Ranges such as C51-C54 stand for all between."""
    text = (STUDY / "README.md").read_text(encoding="utf-8")
    sentences = text[text.index("## Lead") : text.index("## What is not decided here")]
    found = set(re.findall(r"C\d\d", sentences))
    for first, last in re.findall(r"C(\d\d)-C(\d\d)", sentences):
        found |= {f"C{at:02d}" for at in range(int(first), int(last) + 1)}
    assert found == {claim["id"] for claim in ARTICLE["claim"]}
