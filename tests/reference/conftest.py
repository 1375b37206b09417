"""Where the data of the reference cases are, and how a quantity printed by others is read from our records.

Each case is a folder with `expected.json`: the printed numbers with their source and tolerance, the models in our words,
and for each number which quantity of which model it is. `data.csv` stands beside it where its source is a public package;
the others are read from the shared folder of cases (environment variable WWM_CASES) and skipped where there is none.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.likelihood.likelihood import cell_likelihood

HERE = Path(__file__).parent


def shared_cases() -> Path:
    """The folder of all cases: WWM_CASES, or shared/cases beside the checkout."""
    return Path(os.environ.get("WWM_CASES", HERE.parents[2] / "shared" / "cases"))


def case_data(name: str) -> Path:
    """A case's data file, stored or shared; skips the test where it is neither."""
    for folder in (HERE / name, shared_cases() / name):
        if (folder / "data.csv").exists():
            return folder / "data.csv"
    pytest.skip(f"{name}: its data are not in a public package, and WWM_CASES does not point to the shared cases")


def read_frame(path: Path, variables: dict[str, list[str]]) -> pd.DataFrame:
    """Declared variables as categoricals in the declared order, every other column as numbers where it holds numbers."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    columns: dict[str, Any] = {}
    for name in text.columns:
        if name in variables:
            columns[name] = pd.Categorical(text[name], categories=variables[name], ordered=True)
        else:
            numbers = pd.to_numeric(text[name], errors="coerce")
            columns[name] = text[name] if numbers.isna().all() else numbers
    return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class Case:
    """The stored numbers of one case and the fits they are about."""

    stored: dict[str, Any]

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        return read_frame(case_data(self.stored["case"]), self.stored["variables"])

    @functools.cached_property
    def survey(self) -> wwm.Survey:
        weight = self.stored["weight"]
        return wwm.Survey.from_frame(self.frame, weight=weight, weight_kind="frequency" if weight else "sampling")

    @functools.cache  # noqa: B019  (a handful of cases live as long as the session)
    def designed(self, name: str) -> wwm.Survey:
        """One of the case's samples under its design, then its replicates, raked or calibrated."""
        options = dict(self.stored["surveys"][name])
        sample, replicates = options.pop("sample", None), options.pop("replicates", None)
        margins, totals = options.pop("rake", None), options.pop("calibrate", None)
        frame = self.frame if sample is None else self.frame[self.frame["sample"] == sample].reset_index(drop=True)
        for crossing, parts in options.pop("crossed", {}).items():
            frame = frame.assign(**{crossing: pd.Categorical(frame[parts].astype(str).agg("|".join, axis=1))})
        survey = wwm.Survey.from_frame(frame, **options)
        survey = survey if replicates is None else wwm.replicates(survey, replicates)
        survey = survey if margins is None else wwm.rake(survey, margins)
        return survey if totals is None else wwm.calibrate(survey, totals)

    @functools.cache  # noqa: B019
    def fit(self, name: str) -> wwm.Fit:
        options = dict(self.stored["fits"][name])
        aliased, survey = options.pop("aliased", "error"), options.pop("survey", None)
        model = wwm.Model(options.pop("formula"), **options)
        if survey is not None:
            return wwm.fit(model, self.designed(survey), aliased=aliased)
        return wwm.fit(model, self.survey, vcov="model", aliased=aliased)

    @functools.cache  # noqa: B019
    def test(self, name: str, fit: str) -> HypothesisTest:
        return getattr(wwm, name)(self.fit(fit))

    def number(self, of: dict[str, Any]) -> float:
        """The quantity that `of` describes, from our own fit or of one of the case's samples."""
        arguments = {key: value for key, value in of.items() if key not in ("quantity", "fit", "sign", "survey")}
        about = self.designed(of["survey"]) if "survey" in of else self.fit(of["fit"])
        if of["quantity"] == "test":
            about = self.test(arguments.pop("test"), of["fit"])
        return of.get("sign", 1) * float(QUANTITIES[of["quantity"]](self, about, **arguments))


def part_of_test(case: Case, test: HypothesisTest, column: str, term: str | None = None) -> float:
    """The statistic, df or p-value of a whole test, or of a row of its table."""
    return getattr(test, column) if term is None else test.table.loc[term, column]


def of_sample(estimator: Callable[..., wwm.Estimates]) -> Callable[..., float]:
    """A mean or total of a variable, or of one of its answers."""

    def number(case: Case, survey: wwm.Survey, name: str, column: str, category: str | None = None) -> float:
        table = estimator(survey, name).table
        return (table.iloc[0] if category is None else table.set_index("category").loc[category])[column]

    return number


def z_value(case: Case, fit: wwm.Fit, name: str) -> float:
    return fit.params[name] / fit.std_errors[name]


def expected_std_error(case: Case, fit: wwm.Fit, name: str) -> float:
    """From the expected information, as Fisher scoring (VGAM) leaves it: each pattern's counts are n times p."""
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    expected = likelihood.counts.sum(axis=1)[:, None] * np.exp(likelihood.log_probabilities(fit.theta))
    _, information = replace(likelihood, counts=expected).derivatives(fit.theta)
    return np.sqrt(np.linalg.inv(information)[fit.design.names.index(name), fit.design.names.index(name)])


def cut(case: Case, fit: wwm.Fit, name: str, steps: int) -> float:
    """A cut point of equidistant ones: the first plus so many spacings."""
    return fit.params[name] + steps * fit.params["spacing"]


def likelihood_ratio(case: Case, fit: wwm.Fit, against: str) -> float:
    return 2.0 * (fit.loglik - case.fit(against).loglik)


def likelihood_ratio_p(case: Case, fit: wwm.Fit, against: str) -> float:
    df = len(fit.theta) - len(case.fit(against).theta)
    return stats.chi2.sf(likelihood_ratio(case, fit, against), df)


def g2(case: Case, fit: wwm.Fit, by: list[str] | None = None) -> float:
    """Twice the distance to the log-likelihood of the raw shares, by the model's predictors or by more."""
    table = wwm.raw(case.survey, fit.cells.outcome, by or [str(name) for name in fit.cells.patterns.columns]).table
    seen = table[table["count"] > 0]
    return 2.0 * (float((seen["count"] * np.log(seen["estimate"])).sum()) - fit.loglik)


def g2_df(case: Case, fit: wwm.Fit, by: list[str] | None = None) -> float:
    table = wwm.raw(case.survey, fit.cells.outcome, by or [str(name) for name in fit.cells.patterns.columns]).table
    return int((table["n"] > 0).sum()) * (1.0 - 1.0 / len(fit.cells.categories)) - len(fit.theta)


def predicted(
    case: Case, fit: wwm.Fit, category: str, row: dict[str, str] | None = None, row_number: int | None = None
) -> float:
    frame = case.survey.frame.iloc[[row_number - 1]] if row_number else pd.DataFrame([row])
    return wwm.predict(fit, frame)[category].iloc[0]


def adjusted_number(case: Case, fit: wwm.Fit, category: str, column: str) -> float:
    """An average prediction as Stata's margins and marginaleffects print it: delta method, Wald limits."""
    table = wwm.adjusted(fit, covariates="fixed", interval="wald").table
    return table.set_index("category").loc[category, column]


def contrast_number(
    case: Case, fit: wwm.Fit, variable: str, level: str, reference: str, category: str, column: str
) -> float:
    table = wwm.contrasts(wwm.adjusted(fit, variable, covariates="fixed"), variable, reference=reference).table
    return table.set_index(["contrast", "category"]).loc[(f"{level} - {reference}", category), column]


def slope_number(case: Case, fit: wwm.Fit, variable: str, category: str, column: str) -> float:
    return wwm.slopes(fit, variable, covariates="fixed").table.set_index("category").loc[category, column]


def forward_change(case: Case, fit: wwm.Fit, variable: str, category: str) -> float:
    """Average of p(x + 1) - p(x) over the sample."""
    frame = case.survey.frame
    change = wwm.predict(fit, frame.assign(**{variable: frame[variable] + 1.0})) - wwm.predict(fit, frame)
    return change[category].mean()


QUANTITIES = {
    "test": part_of_test,
    "mean": of_sample(wwm.mean),
    "total": of_sample(wwm.total),
    "param": lambda case, fit, name: fit.params[name],
    "std_error": lambda case, fit, name: fit.std_errors[name],
    "expected_std_error": expected_std_error,
    "z": z_value,
    "p_value": lambda case, fit, name: 2.0 * stats.norm.sf(abs(z_value(case, fit, name))),
    "cut": cut,
    "loglik": lambda case, fit: fit.loglik,
    "deviance": lambda case, fit: -2.0 * fit.loglik,
    "n_parameters": lambda case, fit: len(fit.theta),
    "aic": lambda case, fit: -2.0 * fit.loglik + 2.0 * len(fit.theta),
    "bic": lambda case, fit: -2.0 * fit.loglik + np.log(fit.n) * len(fit.theta),
    "pseudo_r2": lambda case, fit, against: 1.0 - fit.loglik / case.fit(against).loglik,
    "likelihood_ratio": likelihood_ratio,
    "likelihood_ratio_p": likelihood_ratio_p,
    "g2": g2,
    "g2_df": g2_df,
    "predict": predicted,
    "adjusted": adjusted_number,
    "contrast": contrast_number,
    "slope": slope_number,
    "forward_change": forward_change,
}


@functools.cache
def stored_case(name: str) -> Case:
    return Case(json.loads((HERE / name / "expected.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def case():
    """The function that gives a stored case by its name."""
    return stored_case


@pytest.fixture(scope="session")
def shared():
    """The function that gives a file of the shared cases, and skips where it is absent."""

    def find(*parts: str) -> Path:
        path = shared_cases().joinpath(*parts)
        if not path.exists():
            pytest.skip(f"{'/'.join(parts)} is not among the shared cases (WWM_CASES)")
        return path

    return find


@pytest.fixture(scope="session")
def data_of() -> Callable[[str], Path]:
    """The function that finds a case's data file, or skips."""
    return case_data
