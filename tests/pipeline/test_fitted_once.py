"""A likelihood study fits each of its models once, and each other form of one once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from wwm_models.likelihood import variants
from wwm_models.study import fits
from wwm_models.study.run import run_study


def test_every_fit_and_every_variant_is_made_once(small: Path, monkeypatch: pytest.MonkeyPatch):
    declared: Counter[Any] = Counter()
    varied: Counter[Any] = Counter()
    held: list[Any] = []  # so that no identity is used twice

    def counted(model: Any, *given: Any, **named: Any) -> Any:
        declared[model.formula, model.family] += 1
        held.append(made := fit(model, *given, **named))
        return made

    def counted_form(one: Any, form: str) -> Any:
        varied[id(one), form] += 1
        return refitted(one, form)

    fit, refitted = fits.fit, variants._refitted
    monkeypatch.setattr(fits, "fit", counted)
    monkeypatch.setattr(variants, "_refitted", counted_form)
    run = run_study(small / "study", data=small / "data.csv", out=small / "results")
    tables = run.results.tables
    assert declared
    requests = tables["coefficients"].groupby("model")["estimand"].nunique().sum()
    assert declared.total() == requests
    assert varied
    assert set(varied.values()) == {1}
    assert {place[0] for place in varied} <= {id(one) for one in held}
