"""Names that collide as text or with a column of our tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError, AnswersError, DeclarationError, SurveyError
from wwm_models.study.joint_model_files import read_joint_model
from wwm_models.study.model_files import read_model
from wwm_models.survey.codebook_reader import read_codebook

FRAME = pd.DataFrame({"y": [1, 2, 3, 3] * 30, "g": list("ab") * 60, "u": np.arange(120) // 10})


@pytest.mark.parametrize("pair", [(1, "1"), (True, "True"), ("a", "a "), ("a  b", "a b")], ids=repr)
def test_levels_that_are_the_same_text_are_refused(pair: tuple[Any, Any]):
    levels = pd.Categorical.from_codes([0, 1] * 60, list(pair), ordered=True)
    survey = wwm.Survey.from_frame(FRAME.assign(g=levels), weight=None)
    for call in (
        lambda: wwm.raw(survey, "y", "g"),
        lambda: wwm.raw(survey, "g"),
        lambda: wwm.fit(wwm.Model("y ~ g"), survey),
        lambda: wwm.fit(wwm.Model("g ~ y"), survey),
    ):
        with pytest.raises(AnswersError, match=r"which are the same text but for spaces"):
            call()


@pytest.mark.parametrize("name", ["outcome", "category", "level", "n", "count", "method", "contrast", "p_value"])
def test_a_by_variable_has_no_name_of_a_column(name: str):
    survey = wwm.Survey.from_frame(FRAME.rename(columns={"g": name}), weight=None)
    fit = wwm.fit(wwm.Model(f"y ~ {name}"), survey)
    for call in (
        lambda: wwm.raw(survey, "y", name),
        lambda: wwm.adjusted(fit, name),
        lambda: wwm.mean(survey, "u", [name]),
    ):
        with pytest.raises(AdjustError) as caught:
            call()
        assert str(caught.value).startswith(
            f'"{name}" cannot be a by-variable: tables of estimates have a column of that name. Expected another name than outcome, category, '
        )


@pytest.mark.parametrize("by", [3, {"g": 1}, [["g"]], ["g", "g"], [None]], ids=repr)
def test_by_names_variables(by: Any):
    with pytest.raises(AdjustError, match=r"^by="):
        wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y", by)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda one: wwm.raw(one, "y", "y"), "by='y' names \"y\", which the numbers are of. Expected groups of another variable. Leave it out."),
        (lambda one: wwm.mean(one, "v", ["y", "v"]), "by=['y', 'v'] names \"v\", which the numbers are of. Expected groups of another variable. Leave it out."),
        (lambda one: wwm.total(one, "v", "v"), "by='v' names \"v\", which the numbers are of. Expected groups of another variable. Leave it out."),
        (lambda one: wwm.change(one, "y", "z", by="z"), "by='z' names \"z\", which the numbers are of. Expected groups of another variable. Leave it out."),
        (lambda one: wwm.raw(one, "y", collapses={"some": []}), 'Collapse "some" is of the answers (none). Expected one or more answers, each once. Repair the list.'),
        (lambda one: wwm.raw(one, "y", collapses={"some": ["2", "2"]}), 'Collapse "some" is of the answers 2, 2. Expected one or more answers, each once. Repair the list.'),
        (lambda one: wwm.estimates.answer_ratio(wwm.raw(one, "y"), "2", "2"), '"2" is both numerator and denominator. Expected two different answers. Name another.'),
    ],
)  # fmt: skip
def test_numbers_are_not_compared_with_themselves(ask: Any, said: str):
    answers = pd.Categorical(["1", "2"] * 10, ordered=True)
    frame = pd.DataFrame({"y": answers, "z": answers[::-1], "v": [1.0, 2.0] * 10})
    with pytest.raises(AdjustError) as caught:
        ask(wwm.Survey.from_frame(frame, weight=None))
    assert str(caught.value) == said


def test_a_collapse_has_a_name_of_its_own():
    with pytest.raises(AdjustError) as caught:
        wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y", collapses={"2": ["1", "2"]})
    assert str(caught.value) == (
        'Collapse "2" has the name of an answer or of another collapse. Expected another name than 1, 2, 3. Rename it.'
    )


def test_scores_may_be_given_by_number():
    shares = wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y")
    assert wwm.mean_score(shares, {1: 1, 2: 2, 3: 3}).table["estimate"].tolist() == [2.25]


COLUMNS = (
    "outcome, category, estimate, std_error, lower, upper, level, count, n, n_effective, method, estimand, contrast, p_value, p_adjusted, "
    "part, percentage_points, df, missing_information"
)
BOOK = '[variables.{name}]\ncolumn = "y"\nkind = "ordered"\nlevels = [{{ id = "no" }}, {{ id = "yes" }}]\n'
VARIABLE = '[variables.z]\ncolumn = "z"\nkind = "nominal"\nlevels = [{{ id = "{}", codes = [1] }}, {{ id = "{}", codes = [2] }}]\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[collapses.yes]\nvariable = "y"\nlevels = ["no"]', '[collapses.yes]: Collapse "yes" has the name of an answer or of another collapse. Expected another name than no, yes. Rename it.'),
        ('[collapses.a]\nid = "no "\nvariable = "y"\nlevels = ["no"]', '[collapses.a]: Collapse "no " has the name of an answer or of another collapse. Expected another name than no, yes. Rename it.'),
        (
            '[collapses.a]\nid = "all"\nvariable = "y"\nlevels = ["no"]\n[collapses.b]\nid = "all"\nvariable = "y"\nlevels = ["yes"]',
            '[collapses.b]: Collapse "all" has the name of an answer or of another collapse. Expected another name than no, yes, all. Rename it.',
        ),
        ('[collapses.n]\nvariable = "y"\nlevels = ["no"]', f'[collapses.n]: "n" cannot be a collapse: tables of estimates have a column of that name. Expected another name than {COLUMNS}. Rename it.'),
        (BOOK.format(name="outcome"), f'[variables.outcome]: "outcome" cannot be the name of a variable: tables of estimates have a column of that name. Expected another name than {COLUMNS}. Rename the variable.'),
        *(
            (
                VARIABLE.format(*levels),
                f'[variables.z]: "z" has the levels {levels[0]!r} (str) and {levels[1]!r} (str), which are the same text but for spaces, signs that '
                "nobody sees, the coding of accents, or zeros behind a decimal point. Expected levels with different names. Make them one level, or "
                "give them names of their own.",
            )
            for levels in (("a", "a\u00a0"), ("a b", "a  b"), ("caf\u00e9", "cafe\u0301"), ("1", "1.0"), ("x", "x\u200b"))
        ),
    ],
)  # fmt: skip
def test_a_codebook_has_names_that_tables_can_hold(tmp_path: Path, more: str, said: str):
    path = tmp_path / "codebook.toml"
    path.write_text(BOOK.format(name="y") + more, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        read_codebook(path)
    assert str(caught.value) == f"{path}, {said}"


@pytest.mark.parametrize("what", ['outcome = "y"\nfamily = "cumulative"', 'joint = ["y", "z"]'])
def test_a_model_file_has_exposures_that_tables_can_hold(tmp_path: Path, what: str):
    path = tmp_path / "wish.toml"
    path.write_text(f'{what}\nexposures = ["level"]\n', encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        (read_joint_model if "joint" in what else read_model)(path)
    assert str(caught.value) == (
        f'{path}: "level" cannot be an exposure: tables of estimates have a column of that name. Expected another name than {COLUMNS}. Rename the variable.'
    )


@pytest.mark.parametrize(
    ("collapses", "said"),
    [
        ({"2": ("y", ["1", "2"])}, 'collapses["2"]: Collapse "2" has the name of an answer or of another collapse. Expected another name than 1, 2, 3. Rename it.'),
        ({"a ": ("g", ["a"])}, 'collapses["a "]: Collapse "a " has the name of an answer or of another collapse. Expected another name than a, b. Rename it.'),
        ({"df": ("y", ["1"])}, f'collapses["df"]: "df" cannot be a collapse: tables of estimates have a column of that name. Expected another name than {COLUMNS}. Rename it.'),
        ({"low": ("yy", ["1"])}, 'The frame has no column "yy". It has 3 columns: y, g, u. Did you mean "y"?'),
    ],
)  # fmt: skip
def test_a_frame_has_collapses_that_tables_can_hold(collapses: Any, said: str):
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(FRAME, weight=None, collapses=collapses)
    assert str(caught.value) == said
