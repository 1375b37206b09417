"""Each tripwire trips at the defect it is for, and is an error that says so."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.likelihood import fit as likelihood
from wwm_models.likelihood.refusals import TripwireError
from wwm_models.models import formula
from wwm_models.models.formula import Grouped
from wwm_models.models.model import FAMILIES


@pytest.fixture
def survey(frame: pd.DataFrame) -> wwm.Survey:
    return wwm.Survey.from_frame(frame, weight="w")


def damaged(monkeypatch: pytest.MonkeyPatch, name: str, change) -> None:
    """Put a family with changed log probabilities in the engine's registry; its derivatives stay right."""
    family = FAMILIES[name]

    def log_probabilities(eta, link):
        return change(family.log_probabilities(eta, link))

    other = replace(family, log_probabilities=log_probabilities)
    monkeypatch.setattr(likelihood, "FAMILIES", MappingProxyType({**FAMILIES, name: other}))


def towards_even(log_p):
    """A hundredth of the way to equal probabilities: positive and of sum one, but no longer the maximum's."""
    return np.log(0.99 * np.exp(log_p) + 0.01 / log_p.shape[1])


@pytest.mark.parametrize(
    ("family", "change", "wire"),
    [
        ("cumulative", lambda log_p: log_p + 1e-8, '"sum": fitted probabilities do not sum to one'),
        ("stopping", lambda log_p: np.where(log_p < log_p.max(), log_p, -np.inf), '"positive": a fitted probability is not positive'),
        ("multinomial", towards_even, '"shares": the multinomial family must reproduce the observed share of every answer'),
        ("adjacent", towards_even, '"shares": the adjacent family must reproduce'),
    ],
)  # fmt: skip
def test_wrong_probabilities_trip(monkeypatch, survey, family, change, wire):
    damaged(monkeypatch, family, change)
    with pytest.raises(TripwireError, match=f"Tripwire {wire}.*No result of this fit can be trusted"):
        wwm.fit(wwm.Model("y ~ age + x", family=family), survey)


def test_levels_taken_by_position_trip(monkeypatch, survey):
    """A prediction that reads level numbers instead of level names would give every group another's percentages."""
    monkeypatch.setattr(formula, "grouped_as", lambda values, levels, name: Grouped(values.codes, tuple(levels)))
    with pytest.raises(TripwireError, match='Tripwire "replay": the design rebuilt'):
        wwm.fit(wwm.Model("y ~ age + x"), survey)


def test_structured_cut_points_need_not_reproduce_shares(survey):
    for family in ("adjacent", "multinomial", "cumulative"):
        structure = "flexible" if family == "multinomial" else "equidistant"
        assert wwm.fit(wwm.Model("y ~ age", family=family, thresholds=structure), survey).status == "ok"
