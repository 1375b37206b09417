"""Arguments of other kinds than a function declares: words in place of an exception from somewhere inside."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.campaign.declared import run_calls
from benchmarks.campaign.judged import ZERO, Judged

import wwm_models as wwm
from wwm_models.arguments import checked
from wwm_models.errors import ArgumentError, DeclarationError, FitError, SurveyError, WwmError


def stumbling(
    numbers: Sequence[float] = (), shares: Mapping[str, float] | None = None, ends: tuple[float, float] = (0.0, 1.0), name: str = "", draws: int = 1,
    seed: int = 1, share: float = 0.5, sure: bool = False,
) -> float:  # fmt: skip
    """Stumble over anything that is not what it declares."""
    del name, draws, seed, share, sure
    return sum(numbers) + sum((shares or {}).values()) + ends[0] + ends[1]


MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "a text for a number": ({"share": "2"}, "stumbling(share='2') is of type str. Expected a number."),
    "a switch for a number": ({"share": True}, "stumbling(share=True) is of type bool. Expected a number."),
    "a number for a switch": ({"sure": 1}, "stumbling(sure=1) is of type int. Expected True or False."),
    "a fraction for a whole number": ({"draws": 1.5}, "stumbling(draws=1.5) is of type float. Expected a whole number."),
    "a number for a text": ({"name": 3}, "stumbling(name=3) is of type int. Expected text."),
    "texts for numbers": ({"numbers": ["a"]}, "stumbling(numbers=['a']) is of type list. Expected a list."),
    "a number for a list": ({"numbers": 3}, "stumbling(numbers=3) is of type int. Expected a list."),
    "a list for a mapping": ({"shares": [1]}, "stumbling(shares=[1]) is of type list. Expected a mapping or None."),
    "texts in a mapping": ({"shares": {"x": "1"}}, "stumbling(shares={'x': '1'}) is of type dict. Expected a mapping or None."),
    "one end of two": ({"ends": (1.0,)}, "stumbling(ends=(1.0,)) is of type tuple. Expected a list."),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named(name: str):
    given, words = MISFITS[name]
    with pytest.raises(ArgumentError) as caught:
        checked(stumbling)(**given)
    assert str(caught.value) == f"{words} See help(wwm_models.stumbling)."


@pytest.mark.parametrize(
    ("name", "value", "ends"),
    [("seed", -1, "0 to 9223372036854775807"), ("draws", 0, "1 to 1000000"), ("draws", 10**12, "1 to 1000000")],
)
def test_numbers_that_no_computer_can_use(name: str, value: int, ends: str):
    with pytest.raises(ArgumentError) as caught:
        checked(stumbling)(**{name: value})
    assert str(caught.value) == (
        f"stumbling({name}={value}) is not possible. Expected a whole number from {ends}. Give one."
    )


def test_what_fits_passes_and_other_failures_keep_their_words():
    assert checked(stumbling)(np.array([1.0, 2.0]), pd.Series({"x": 1.0}).to_dict(), (np.float64(0.0), 1)) == 5.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        checked(stumbling)(nothing=1)  # type: ignore[call-arg]

    def broken(share: float) -> float:
        raise KeyError("a fault of our own")

    with pytest.raises(KeyError, match="a fault of our own"):
        checked(broken)(0.5)


@pytest.mark.parametrize("name", sorted(name for name in wwm.__all__ if callable(getattr(wwm, name))))
def test_public_names_keep_their_words_and_can_be_sent_to_other_processes(name: str):
    found: Callable[..., Any] = getattr(wwm, name)
    assert (found.__doc__ or "").strip()
    assert pickle.loads(pickle.dumps(found)) is found


def test_no_public_function_stumbles_over_what_it_is_given():
    judged = Judged()
    run_calls(judged, 350, 7)
    assert [fault for fault in judged.faults if fault[2] in ZERO] == []
    assert judged.total("arguments", "clear error") > 250


FRAME = pd.DataFrame({"y": pd.Categorical(["no", "yes"] * 20, ["no", "yes"], ordered=True), "g": ["a", "b"] * 20})
FEW = "too few to judge a posterior by. Expected at least 2 chains, 100 draws and 50 warm-up draws; the defaults are 4, 1000 and 150."


@pytest.mark.parametrize(("chains", "draws", "warmup"), [(1, 1000, 150), (4, 99, 150), (4, 1000, 49)])
@pytest.mark.parametrize(
    "call",
    [partial(wwm.sample, wwm.Model("y ~ g")), partial(wwm.sample_joint, ["y", "z"], "g")],
    ids=["sample", "sample_joint"],
)
def test_chains_that_no_posterior_can_be_judged_by(call: Callable[..., Any], chains: int, draws: int, warmup: int):
    survey = wwm.Survey.from_frame(FRAME, weight=None)
    with pytest.raises(FitError) as caught:
        call(survey, seed=1, chains=chains, draws=draws, warmup=warmup)
    assert str(caught.value) == f"chains={chains}, draws={draws}, warmup={warmup}: {FEW}"


def test_processes_of_a_joint_model():
    with pytest.raises(FitError) as caught:
        wwm.sample_joint(["y", "z"], "g", wwm.Survey.from_frame(FRAME, weight=None), seed=1, jobs=0)
    assert str(caught.value) == "jobs=0 is not possible. Expected a whole number of 1 or more. Give one."


@pytest.mark.parametrize("name", ["slopes", "spread", "loading_scale", "cutpoints"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_of_joint_priors(name: str, value: float):
    with pytest.raises(DeclarationError) as caught:
        wwm.JointPriors(**{name: value})
    assert str(caught.value) == (
        f"JointPriors({name}={value!r}) is not a scale. Expected a finite number above 0. Leave it out for the default."
    )


def test_the_place_of_joint_priors():
    with pytest.raises(DeclarationError) as caught:
        wwm.JointPriors(loading_location=float("nan"))
    assert str(caught.value) == (
        "JointPriors(loading_location=nan) is not a place. Expected a finite number. Leave it out for 0."
    )


@pytest.mark.parametrize("rho", [1, 1.0, 1.5, -0.1, float("nan")])
@pytest.mark.parametrize("kind", ["JKn", "Fay", "BRR", "bootstrap"])
def test_a_factor_that_leaves_no_half_samples(kind: str, rho: float):
    with pytest.raises(SurveyError) as caught:
        wwm.replicates(wwm.Survey.from_frame(FRAME, weight=None), kind, rho=rho)
    assert str(caught.value) == (
        f"rho={rho!r} is not a factor of Fay's method. Expected a number from 0 (half samples) up to but not including 1. "
        "Leave it out for 0.3."
    )


NAMELESS: dict[str, Callable[[wwm.Survey], Any]] = {
    "impute(delta=)": lambda survey: wwm.impute(survey, m=2, seed=1, delta={1: 1}),  # type: ignore[dict-item]
    "impute(variables=)": lambda survey: wwm.impute(survey, m=2, seed=1, variables=[1]),  # type: ignore[list-item]
    "rake": lambda survey: wwm.rake(survey, {1: {"a": 1.0}}),  # type: ignore[dict-item]
    "rake, levels": lambda survey: wwm.rake(survey, {"age": {1: 1.0}}),  # type: ignore[dict-item]
    "calibrate": lambda survey: wwm.calibrate(survey, {1: 1.0}),  # type: ignore[dict-item]
    "poststratify": lambda survey: wwm.poststratify(survey, "age", {1: 1.0}),  # type: ignore[dict-item]
    "raw": lambda survey: wwm.raw(survey, 1),  # type: ignore[arg-type]
    "mean_score": lambda survey: wwm.mean_score(wwm.raw(survey, "age"), {7: 1.0}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", NAMELESS)
def test_a_name_that_is_no_text_is_refused_in_words(name: str):
    home = pd.Categorical([None, *["c", "d", "d"] * 13])
    survey = wwm.Survey.from_frame(pd.DataFrame({"age": pd.Categorical(["a", "b"] * 20), "home": home}), weight=None)
    with pytest.raises(WwmError):
        NAMELESS[name](survey)


def test_a_change_of_a_variable_without_a_name():
    home = pd.Categorical([None, *["c", "d", "d"] * 13])
    survey = wwm.Survey.from_frame(pd.DataFrame({"age": pd.Categorical(["a", "b"] * 20), "home": home}), weight=None)
    with pytest.raises(WwmError) as caught:
        wwm.impute(survey, m=2, seed=1, delta={1: 1})  # type: ignore[dict-item]
    assert str(caught.value) == 'delta names "1", which is not completed. Completed: home. Repair the name.'
