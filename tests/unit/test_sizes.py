"""Numbers of things to be made have limits, said before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.diagnostics.goodness_of_fit import lipsitz
from wwm_models.errors import AdjustError, DeclarationError, ImputationError, SurveyError, WwmError
from wwm_models.imputation.impute import impute
from wwm_models.study.model_files import read_model


@pytest.mark.parametrize(
    ("function", "name", "most"),
    [
        ("impute", "m", 1_000), ("impute", "rounds", 1_000), ("replicates", "draws", 1_000_000), ("hosmer_lemeshow", "groups", 1_000_000),
        ("lipsitz", "groups", 1_000_000), ("sample", "chains", 1_000), ("sample", "draws", 1_000_000), ("sample", "warmup", 1_000_000),
        ("sample_joint", "chains", 1_000), ("prior_predictive", "draws", 1_000_000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [10**9, 10**400], ids=["10**9", "10**400"])
def test_a_slip_of_the_pen_is_refused(function: str, name: str, most: int, value: int):
    given: dict[str, Any] = {"sample_joint": {"items": ["y", "z"], "predictors": "1", "survey": None, "seed": 1}}.get(
        function, {}
    )
    first = {"sample": (None, None), "prior_predictive": (None, None), "sample_joint": ()}.get(function, (None,))
    if function == "sample":
        given = {"seed": 1}
    with pytest.raises(WwmError) as caught:
        getattr(wwm, function)(*first, **{**given, name: value})
    shown = value if value < 10**60 else "a whole number of about 400 digits"
    assert str(caught.value) == (
        f"{function}({name}={shown}) is not possible. Expected a whole number from 1 to {most}. Give one."
    )


def test_replicates_fit_in_memory(frame: pd.DataFrame):
    survey = wwm.Survey.from_frame(pd.concat([frame] * 5, ignore_index=True), weight=None)
    for draws in (1, 250_001):
        with pytest.raises(SurveyError) as caught:
            wwm.replicates(survey, "bootstrap", draws=draws)
        assert str(caught.value) == (
            f"draws={draws} is not possible. Expected a whole number from 2 to 250000. Give one."
        )


@pytest.mark.parametrize(
    ("options", "said"), [({"m": 1001}, "m=1001 is not possible. Expected a whole number from 2 to 1000. Give one."), ({"rounds": 0}, "rounds=0 is not possible. Expected a whole number from 1 to 1000. Give one.")]
)  # fmt: skip
def test_completed_surveys_are_so_many(frame: pd.DataFrame, options: dict[str, int], said: str):
    with pytest.raises(ImputationError) as caught:
        impute(wwm.Survey.from_frame(frame, weight=None), **options)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("key", "value", "expected"), [("m", 10**9, "from 2 to 1000"), ("m", 1, "from 2 to 1000"), ("seed", -1, "of 0 or more")]
)  # fmt: skip
def test_a_model_file_asks_for_so_many(tmp_path: Path, key: str, value: int, expected: str):
    path = tmp_path / "wish.toml"
    table = "\n".join(f"{name} = {text}" for name, text in {"m": 5, key: value}.items())
    path.write_text(
        f'outcome = "y"\nfamily = "cumulative"\n[imputation]\nvariables = ["y"]\n{table}\n', encoding="utf-8"
    )
    with pytest.raises(DeclarationError) as caught:
        read_model(path)
    assert (
        str(caught.value)
        == f"{path}, [imputation]: `{key}` is {value}. Expected a whole number {expected}. Repair that line."
    )


def test_groups_are_three_or_more(frame: pd.DataFrame):
    fit = wwm.fit(wwm.Model("y ~ age + x"), wwm.Survey.from_frame(frame, weight=None))
    with pytest.raises(AdjustError) as caught:
        lipsitz(fit, 2)
    assert str(caught.value) == "groups=2 is not possible. Expected a whole number from 3 to 1000000. Give one."
