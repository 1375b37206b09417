"""Published totals, means and standard errors of the api data under five designs, raking and linear calibration.

Numbers: survey package for R, tests and documentation (Lumley), as collected in the shared cases api_designs, api_rake and
api_calibrate_linear. Each is printed to the digits given here, so half a unit of the last digit is the tolerance.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm

CASES = Path(os.environ.get("WWM_CASES", Path(__file__).resolve().parents[3] / "shared" / "cases"))
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")


def rows(case: str, sample: str | None = None) -> pd.DataFrame:
    """The case's data, answers as categories."""
    data = pd.read_csv(CASES / case / "data.csv")
    if sample is not None:
        data = data[data["sample"] == sample].reset_index(drop=True)
    return data.assign(stype=pd.Categorical(data["stype"]))


def numbers(estimates: wwm.Estimates) -> list[float]:
    """Estimates, then standard errors."""
    return [*estimates.table["estimate"], *estimates.table["std_error"]]


DESIGNS = {
    "strat": ({"strata": "stype", "fpc": "fpc"}, "strat", [662.29, 9.4089], [3687178.0, 114642.0]),
    "clus1": ({"psu": "dnum", "fpc": "fpc"}, "clus1", [644.17, 23.542], [3404940.0, 932235.0]),
    "clus2": ({"psu": ["dnum", "snum"], "fpc": ["fpc1", "fpc2"]}, "clus2", [670.81, 30.099], [2639273.0, 799638.0]),
    "clus2wr": ({"psu": ["dnum", "snum"]}, "clus2", [670.81, 30.712], [2639273.0, 820261.0]),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_mean_and_total_under_a_design(name: str):
    design, sample, mean, total = DESIGNS[name]
    survey = wwm.Survey.from_frame(rows("api_designs", sample), weight="pw", **design)
    assert np.abs(np.array(numbers(wwm.mean(survey, "api00"))) - mean).max() < 0.006
    np.testing.assert_allclose(numbers(wwm.mean(survey, "api00"))[1], mean[1], atol=6e-4)
    np.testing.assert_allclose(numbers(wwm.total(survey, "enroll")), total, atol=0.6)


def test_totals_of_answers_and_the_jackknife():
    survey = wwm.Survey.from_frame(rows("api_designs", "clus1"), weight="pw", psu="dnum", fpc="fpc")
    printed = [4873.97, 473.86, 846.17, 1333.32, 158.70, 167.55]
    np.testing.assert_allclose(numbers(wwm.total(survey, "stype")), printed, atol=6e-3)
    np.testing.assert_allclose(numbers(wwm.mean(wwm.replicates(survey, "JK1"), "api00"))[1], 26.335, atol=6e-4)


def test_raking_and_raked_replicates():
    margins = json.loads((CASES / "api_rake" / "case.json").read_text(encoding="utf-8"))["model"]["margins"]
    survey = wwm.Survey.from_frame(rows("api_rake"), weight="pw", psu="dnum", fpc="fpc")
    raked = wwm.rake(survey, margins)
    np.testing.assert_allclose(numbers(wwm.mean(raked, "api00")), [641.23, 23.704], atol=6e-3)
    np.testing.assert_allclose(numbers(wwm.total(raked, "enroll")), [3647280.0, 400603.0], atol=0.6)
    again = wwm.rake(wwm.replicates(survey, "JK1"), margins)
    np.testing.assert_allclose(numbers(wwm.mean(again, "api00")), [641.23, 26.874], atol=6e-3)
    np.testing.assert_allclose(numbers(wwm.total(again, "enroll"))[1], 463582.0, atol=0.6)


def test_linear_calibration():
    survey = wwm.Survey.from_frame(rows("api_calibrate_linear"), weight="pw", psu="dnum", fpc="fpc")
    calibrated = wwm.calibrate(survey, {"(Intercept)": 6194, "api99": 3914069})
    np.testing.assert_allclose(numbers(wwm.mean(calibrated, "api00")), [666.72, 3.2959], atol=6e-3)
    np.testing.assert_allclose(numbers(wwm.total(calibrated, "enroll")), [3357372.0, 243227.0], atol=0.6)


def test_impossible_margins_name_margin_and_level():
    survey = wwm.Survey.from_frame(rows("api_rake"), weight="pw", psu="dnum", fpc="fpc")
    with pytest.raises(Exception, match='Margin "stype" does not cover the level H of the sample'):
        wwm.rake(survey, {"stype": {"E": 4421, "M": 1018}})
    with pytest.raises(Exception, match=r"different population sizes: stype 6194, sch\.wide 6000"):
        wwm.rake(survey, {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1000, "Yes": 5000}})
