"""What every test may ask for: the registered response models, invented respondents, and a short way to a fit."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

# One thread per process for small matrices, before numpy loads: two busy threads on two shared cores are 40 times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

import wwm_models as wwm
from wwm_models.models.family import Family
from wwm_models.models.model import FAMILIES
from wwm_models.numerics.links import LINKS, Link
from wwm_models.survey.sampling_design import Tally

# Derandomised: a run of the suite is the same run everywhere. No deadline: the machines of CI are shared.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("suite")

collect_ignore = ["pythons"]  # scripts for an interpreter of their own, started by make test-pythons
ANSWERS = ("never", "rarely", "often", "daily")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--other-seeds 3``: everything that is sampled is sampled with other random numbers than the test names."""
    parser.addoption(
        "--other-seeds", type=int, default=0, help="added to the seed of everything that the package draws"
    )


def pytest_collection_finish() -> None:
    """Leave the libraries and the collected tests out of every later search for garbage: each takes half a second with them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _other_seeds(pytestconfig: pytest.Config) -> Iterator[None]:
    """A result that hangs on one seed's draws is no result: the suite passes with every number given to ``--other-seeds``.

    Posteriors, imputations, replicates and checks start their random numbers with one of two functions of numpy. Respondents are invented
    with the seed that a test names: what they answered is part of the test.
    """
    shift = pytestconfig.getoption("other_seeds")
    if not shift:
        yield
        return
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # processes of joblib know no conftest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wwm_models.parallel.end_with", partial(_process_elsewhere, shift))
        _start_elsewhere(shift, patch.setattr)
        yield


def _process_elsewhere(shift: int, parent: int) -> None:
    """Begin a process of the pool with the random numbers of the tests' process."""
    from wwm_models.parallel import end_with

    _start_elsewhere(shift, setattr)
    end_with(parent)


def _start_elsewhere(shift: int, put: Callable[[Any, str, Any], None]) -> None:
    """Have both functions of numpy start elsewhere where the package asks them with a whole number, or several."""
    sequence, generator = np.random.SeedSequence, np.random.default_rng

    class Elsewhere(sequence):  # a class, as libraries use its name in types and isinstance
        def __init__(self, entropy: Any = None, **more: Any) -> None:
            super().__init__(_shifted(entropy, shift), **more)

    def default_rng(seed: Any = None) -> np.random.Generator:
        return generator(_shifted(seed, shift))

    put(np.random, "SeedSequence", Elsewhere)
    put(np.random, "default_rng", default_rng)


def _shifted(seed: Any, shift: int) -> Any:
    asked_by = sys._getframe(2).f_globals["__name__"]
    if not asked_by.startswith("wwm_models") or ".demo" in asked_by or not isinstance(seed, int | list):
        return seed
    return [*(seed if isinstance(seed, list) else [seed]), shift]


AGES = ("18-34", "35-49", "50-64")
HOUSEHOLDS = ("single", "couple", "family")


@dataclass(frozen=True)
class Response:
    """A family with one of its links."""

    family: Family
    link: Link

    def model(self, formula: str, **options: object) -> wwm.Model:
        return wwm.Model(formula, family=self.family.name, link=self.link.name, **options)  # type: ignore[arg-type]


RESPONSES = [Response(family, LINKS[link]) for family in FAMILIES.values() for link in family.links]


@pytest.fixture(params=RESPONSES, ids=lambda response: f"{response.family.name}-{response.link.name}")
def response(request: pytest.FixtureRequest) -> Response:
    """Every registered family with every link it has: a new family is tested by being registered."""
    return request.param


@pytest.fixture(params=FAMILIES.values(), ids=lambda family: family.name)
def logit_response(request: pytest.FixtureRequest) -> Response:
    """Every registered family with its first link."""
    return Response(request.param, LINKS[request.param.links[0]])


def invented_respondents(rows: int = 400, *, seed: int = 1, answers: tuple[str, ...] = ANSWERS) -> pd.DataFrame:
    """Respondents with an answer y that rises with age and falls in families, weights and a stratified cluster design.

    Columns: y, z (ordered answers), age, household (groups), x (a number with 7 values), w (sampling weight), f (1 to 4),
    stratum (4), unit (5 per stratum, so 20 units).
    """
    rng = np.random.default_rng(seed)
    age, household = rng.integers(0, 3, rows), rng.integers(0, 3, rows)
    unit = rng.integers(0, 20, rows)
    x = rng.integers(-3, 4, rows) / 2.0
    latent = 0.4 * age - 0.5 * (household == 2) + 0.3 * x + 0.2 * rng.normal(size=20)[unit]
    cuts = np.linspace(-1.0, 1.5, len(answers) - 1)
    y = np.searchsorted(cuts, latent + rng.logistic(size=rows))
    z = np.searchsorted(cuts, 0.7 * latent + rng.logistic(size=rows))
    return pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(y, list(answers), ordered=True),
            "z": pd.Categorical.from_codes(z, list(answers), ordered=True),
            "age": pd.Categorical.from_codes(age, list(AGES), ordered=True),
            "household": pd.Categorical.from_codes(household, list(HOUSEHOLDS)),
            "x": x,
            "w": rng.gamma(4.0, 0.25, rows) + 0.1,
            "f": rng.integers(1, 5, rows),
            "stratum": unit // 5,
            "unit": unit,
        }
    )


@pytest.fixture(scope="session")
def respondents() -> Callable[..., pd.DataFrame]:
    """The function that invents respondents."""
    return invented_respondents


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """400 invented respondents; do not change them in place."""
    return invented_respondents()


@pytest.fixture(params=["unweighted", "sampling", "frequency", "design", "domain"])
def survey(request: pytest.FixtureRequest, frame: pd.DataFrame) -> wwm.Survey:
    """The same respondents under every kind of weight and design."""
    return survey_of_kind(frame, request.param)


def survey_of_kind(frame: pd.DataFrame, kind: str) -> wwm.Survey:
    if kind == "unweighted":
        return wwm.Survey.from_frame(frame, weight=None)
    if kind in ("sampling", "frequency"):
        return wwm.Survey.from_frame(frame, weight="w" if kind == "sampling" else "f", weight_kind=kind)
    inside = (frame["x"] > -1.0).to_numpy() if kind == "domain" else None
    return wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit", domain=inside)


def counted_together(survey: wwm.Survey) -> wwm.Survey:
    """The same respondents with those who gave the same answers counted together: what an engine gives back of a GROUP BY."""
    frame, design = survey.frame, survey.design
    keys = pd.DataFrame(
        {
            name: frame[name].cat.codes if isinstance(frame[name].dtype, pd.CategoricalDtype) else frame[name]
            for name in frame
        }
    )
    keys = keys.assign(**{"#domain": survey.domain, "#weighed": survey.weights > 0})
    if design is not None:
        for stage in range(design.strata.shape[1]):
            keys[f"#stratum{stage}"] = design.strata[:, stage]
            keys[f"#unit{stage}"] = 0 if design.respondents[stage] else design.psu[:, stage]
            keys[f"#size{stage}"] = 0.0 if design.fpc is None else design.fpc[:, stage]
    number = keys.groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1]
    count = np.bincount(number).astype(float)
    weights, squares = np.bincount(number, survey.weights), np.bincount(number, survey.weights**2)
    tally = Tally(count, np.divide(weights**2, squares, out=count.copy(), where=squares > 0))
    if design is not None:
        own = np.arange(len(first))
        psu = np.column_stack(
            [own if design.respondents[s] else design.psu[first, s] for s in range(design.psu.shape[1])]
        )
        fpc = None if design.fpc is None else design.fpc[first]
        design = replace(design, strata=design.strata[first], psu=psu, fpc=fpc, tally=tally)
    return replace(
        survey, frame=frame.iloc[first].reset_index(drop=True), weights=weights, design=design, domain=survey.domain[first],
        missing={name: reasons[first] for name, reasons in survey.missing.items()}, tally=tally,
    )  # fmt: skip


@pytest.fixture(scope="session")
def counted() -> Callable[[wwm.Survey], wwm.Survey]:
    """The function that counts respondents who gave the same answers together."""
    return counted_together


@pytest.fixture(scope="session")
def of_kind() -> Callable[[pd.DataFrame, str], wwm.Survey]:
    """The function that declares a frame's weights and design by the name of their kind."""
    return survey_of_kind


@pytest.fixture(scope="session")
def with_spark() -> Callable[..., Any]:
    """The function that runs a script beside a Java machine, in a process of its own, and gives what it prints last as JSON.

    Spark's Python side leaves sockets open, which pytest reports as errors of whatever test runs when they are collected.
    """
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        pytest.skip("Spark needs Java, which is not here")
    pytest.importorskip("pyspark", reason="pyspark is not installed")

    def run(script: Path, *arguments: str | Path) -> Any:
        command = [sys.executable, str(script), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real survey files, which are not part of the repository."""
    folder = Path(os.environ.get("WWM_DATA") or Path(__file__).parents[1].parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real survey files here: set WWM_DATA")
    return folder
