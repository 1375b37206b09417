"""Languages: every file has every sentence with its arguments, every sentence is used, and a message is written again by its key."""

from __future__ import annotations

import ast
import json
import pickle
import re
from pathlib import Path

import pytest

from wwm_models.errors import WwmError
from wwm_models.messages import (
    DEFAULT,
    LANGUAGES,
    arguments_of,
    catalogue,
    category,
    collected,
    interval,
    kept_messages,
    language_problem,
    level,
    listed_as,
    number,
    reference,
    say,
    together,
    variable,
)
from wwm_models.report.text import Labels, Text
from wwm_models.results.results import Results
from wwm_models.stages import Stages
from wwm_models.survey.survey import Level, Variable

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "wwm_models"
SECTIONS = ("page", "messages", "words")


def results(messages: dict | None = None, **declared) -> Results:
    """A run with one variable, labelled in Dutch and English."""
    levels = (Level("young", "jong", "young people"), Level("old", "oud", "old people"))
    age = Variable("age", "ordered", levels, "leeftijd", "age in years")
    return Results("s", "s", True, "en", {}, {"age": age}, {}, {}, declared, messages=messages or {})


def said(make, **declared) -> Text:
    """What a page says of a message that was stored in a results folder and read back."""
    with collected() as found:
        text = make()
    stored = json.loads(json.dumps(kept_messages([text], found)))
    return Labels(results(stored, **declared)).said(text)


def test_german_ships_beside_dutch_and_english():
    assert LANGUAGES == ("de", "en", "nl")
    assert [catalogue(lang).name for lang in LANGUAGES] == ["Deutsch", "English", "Nederlands"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("section", SECTIONS)
def test_every_language_has_every_sentence_with_its_arguments(lang, section):
    known, own = getattr(catalogue(DEFAULT), section), getattr(catalogue(lang), section)
    assert list(own) == list(known)
    for key, sentence in own.items():
        assert sentence
        assert arguments_of(sentence) == arguments_of(known[key]), key


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != DEFAULT])
@pytest.mark.parametrize("section", SECTIONS)
def test_a_sentence_of_several_words_is_translated(lang, section):
    known, own = getattr(catalogue(DEFAULT), section), getattr(catalogue(lang), section)
    same = [
        key
        for key, text in own.items()
        if text == known[key] and len(re.findall(r"[a-z]{3,}", re.sub(r"\{\w+\}", "", text))) > 2
    ]
    assert same == []


def test_every_key_is_used():
    """A key stands in the source as it is, or is made by an f-string of it."""
    plain, made = _strings()
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "report" / "templates").iterdir())
    asked = set(re.findall(r"\bt\.(\w+)", templates)) | set(re.findall(r'"(\w+)"', templates))
    for section in SECTIONS:
        unused = [
            key
            for key in getattr(catalogue(DEFAULT), section)
            if key not in plain and key not in asked and not any(pattern.fullmatch(key) for pattern in made)
        ]
        assert unused == [], section


OF_RUNS = {"AnswersError", "RankError", "FitError", "SeparationError", "AdjustError", "ImputationError"}
# What refuses an argument of a call, a declaration before anything is fitted, or a test that no run makes: only Python and the console say it.
OF_CALLS = {
    "arguments.py": {"confidence_level"},
    "bayes/density.py": {"prior_draws"},
    "bayes/leave_one_out.py": {"_check_same", "check_unit", "loo_items"},
    "bayes/sampler.py": {"check_sizes", "compiled_library"},
    "diagnostics/goodness_of_fit.py": {"_with_indicators", "score_groups"},
    "diagnostics/hypothesis_tests.py": {
        "_parameters_of",
        "_refuse_not_nested",
        "_refuse_other_rows",
        "refuse_monotone",
        "refuse_penalised",
        "refuse_pseudo_likelihood",
        "wald_test",
    },
    "diagnostics/predictive_checks.py": {"posterior_predictive", "posterior_predictive_items"},
    "diagnostics/proportional_odds.py": {"_parallel_terms", "_refuse_without_cuts", "scale_test"},
    "diagnostics/residuals.py": {"_rao_scott", "_split_further", "pulkstenis_robinson"},
    "diagnostics/specification.py": {"weights_matter"},
    "estimates/adjusted.py": {"_refuse", "model_groups"},
    "estimates/change.py": {"_outcome", "_pairs", "equivalence"},
    "estimates/confounding.py": {"bias_factor", "e_value", "e_values"},
    "estimates/contrasts.py": {"_compared", "contrasts", "family_of_tests"},
    "estimates/decomposition.py": {"decompose_fit", "submodel"},
    "estimates/estimates.py": {"collapse_matrix", "names_of", "parse", "probability_limits"},
    "estimates/joint_distribution.py": {"compared_rows", "joint_distribution"},
    "estimates/quantities.py": {"answer_ratio", "mean_score", "slopes", "superiority"},
    "estimates/raw.py": {"_all_groups", "_columns"},
    "estimates/standardise.py": {"_shares", "model_values", "standardised"},
    "estimates/standardise_draws.py": {"drawn_limits", "sampled_margins"},
    "estimates/target.py": {"_another_survey", "_total", "_variables", "as_counts", "target_population"},
    "imputation/plan.py": {"_check_names", "_check_values", "shifts_of"},
    "imputation/pool.py": {"_check_alike", "pool"},
    "likelihood/covariance.py": {"_aligned"},
    "likelihood/fit.py": {"penalised", "vcov_kind"},
    "likelihood/multistage.py": {"_refuse_lonely"},
    "models/formula.py": {"refuse_others"},
}


def test_what_fails_in_a_run_is_a_key_with_arguments():
    """Such an exception ends in diagnostics.csv, and a page of another language would hold an English sentence."""
    written: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for made in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(made, ast.FunctionDef) and any(map(_is_written, ast.walk(made))):
                written.setdefault(path.relative_to(PACKAGE).as_posix(), set()).add(made.name)
    assert written == OF_CALLS


def _is_written(node: ast.AST) -> bool:
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call) or not node.exc.args:
        return False
    plain = isinstance(node.exc.args[0], ast.Constant | ast.JoinedStr)
    return plain and isinstance(node.exc.func, ast.Name) and node.exc.func.id in OF_RUNS


def _strings() -> tuple[set[str], list[re.Pattern[str]]]:
    """Every text of the source, and a pattern for every f-string that holds one."""
    plain: set[str] = set()
    made: list[re.Pattern[str]] = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain |= {node.value, node.value.rstrip("_")}
                if node.value.endswith("_"):
                    made.append(re.compile(re.escape(node.value) + r"\w+"))
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(part.value) if isinstance(part, ast.Constant) else r"[\w ]+" for part in node.values]
                if any(isinstance(part, ast.Constant) and len(part.value) > 3 for part in node.values):
                    made.append(re.compile("".join(parts)))
    return plain, made


@pytest.mark.parametrize("key", catalogue(DEFAULT).messages)
def test_a_message_is_written_in_every_language_by_its_key(key):
    names = sorted(arguments_of(catalogue(DEFAULT).messages[key]))
    values = [number(-1.5, "+.1f"), level("age", "old"), variable("age")] * 2
    given = dict(zip(names, values, strict=False))
    written = {
        "de": ("−1,5", "age in years: old people", "age in years"),
        "en": ("−1.5", "age in years: old people", "age in years"),
        "nl": ("−1,5", "leeftijd: oud", "leeftijd"),
    }
    found = said(lambda: say(key, **given))
    for lang in LANGUAGES:
        expected = dict(zip(names, written[lang] * 2, strict=False))
        assert found.of(lang) == catalogue(lang).messages[key].format(**expected)


@pytest.mark.parametrize("text", catalogue(DEFAULT).words)
def test_a_fixed_text_of_a_table_is_its_own_key(text):
    for lang in LANGUAGES:
        assert Labels(results()).said(text).of(lang) == catalogue(lang).words[text]


def test_messages_are_made_of_messages():
    at = reference("age", "old", [("age", "young")], "age = old (age young)")

    def make() -> str:
        label = say("minus", one=at, other=at)
        numbers = say("number_raw", label=label, raw=interval("1.0", ("-0.5", "2.5")))
        return say("parts_hold", count=1, total=2, decisive=together(numbers, say("no_interval")))

    with collected():
        assert make() == (
            "1 of 2 parts hold; decided by: age = old (age young) minus age = old (age young): raw 1.0 [-0.5, 2.5]; its uncertainty cannot be estimated"
        )
    one = "leeftijd “oud”, jong"
    assert said(make).of("nl") == (
        f"van 1 van de 2 delen staat vast dat ze kloppen; beslissend: {one} min {one}: ruw 1,0 [−0,5; 2,5]; de onzekerheid ervan is niet te schatten"
    )
    one = "age in years „old people“, young people"
    assert said(make).of("de") == (
        f"1 von 2 Teilen halten stand; entscheidend: {one} minus {one}: roh 1,0 [−0,5; 2,5]; die Unsicherheit lässt sich nicht schätzen"
    )


def test_a_message_may_be_said_in_the_language_of_the_run_and_is_still_known():
    assert said(lambda: say("wider", "nl", after=number(2.0, ".1f"), before=number(1.0, ".1f"))).of("de") == (
        "das Intervall wurde breiter (2,0 statt 1,0)"
    )


def test_the_words_between_arguments_are_translated():
    found = said(
        lambda: say(
            "thin_level", few=5, levels=listed_as([level("age", "old"), level("age", "young")], " or "), below=5
        )
    )
    assert "haben age in years: old people oder age in years: young people." in found.of("de")


def test_a_problem_of_a_stage_says_its_reason_in_every_language():
    def make() -> str:
        stages = Stages()

        def fails() -> None:
            raise WwmError(say("prior_per_unit", density="normal(0, 1)"))

        stages.attempt(say("contrasts_of", stage="m", variable=variable("age")), fails, otherwise=None)
        return stages.problems[0]

    assert said(make).of("nl") == "m, contrasten van leeftijd: mislukt. normal(0, 1) per eenheid"
    assert said(make).of("de") == "m, Kontraste von age in years: fehlgeschlagen. normal(0, 1) je Einheit"


def test_only_what_the_tables_say_is_kept():
    """Of a model that is withheld nothing may stay behind in a results folder."""
    with collected() as found:
        secret = say("few_respondents", count=3)
        shown = say("of_variable", variable=variable("age"), reason=say("not_known", condition=variable("age")))
    kept = kept_messages([shown, "a text that nobody said"], found)
    assert secret not in kept
    assert list(kept) == ["not known: age", "age: not known: age"]


def test_outside_of_a_run_nothing_is_remembered():
    with collected() as outer:
        with collected() as inner:
            text = say("few_respondents", count=3)
        assert text in inner
    assert text in outer
    say("few_respondents", count=4)
    assert len(outer) == 1


def test_an_older_folder_shows_what_it_holds():
    found = Labels(results()).said("fewer than 30 respondents")
    assert {found.of(lang) for lang in LANGUAGES} == {"fewer than 30 respondents"}


def test_a_study_translates_its_own_sentences():
    own = {"figure 1": "figuur 1", "lead paragraph": {"nl": "intro", "de": "Vorspann"}}
    labels = Labels(results(translations=own))
    assert labels.said("lead paragraph; figure 1").of("nl") == "intro; figuur 1"
    assert labels.said("lead paragraph; figure 1").of("de") == "Vorspann; figure 1"


def test_arguments_travel_between_processes():
    for one in (number(1.5), level("age", "old"), listed_as([category("age", "old"), "x"])):
        again = pickle.loads(pickle.dumps(one))
        assert (again, again.kind, again.parts) == (one, one.kind, one.parts)


def test_a_language_without_a_file_is_refused():
    assert language_problem("fr") == 'lang = "fr" is not known. Expected one of: de, en, nl.'
    assert language_problem("NL") == 'lang = "NL" is not known. Expected one of: de, en, nl.'
