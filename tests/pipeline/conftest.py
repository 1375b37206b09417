"""A small study of its own: three models, an article, and synthetic answers with a known age effect."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.campaign import study as campaign

from wwm_models.cli.main import main

# The small survey that the campaign breaks, with numbers on few respondents suppressed as ever and extreme weights refused.
CODEBOOK = campaign.CODEBOOK.replace("suppress_below = 0\naccept_extreme_weights = true\n", "suppress_below = 10\n")
MODEL = 'outcome = "wish"\nfamily = "{family}"\nexposures = ["age_group", "household"]\nestimands = ["total", "household-adjusted"]\nprimary = {primary}\n'
ARTICLE = """
[article]
title = "A small article"
estimand = "household-adjusted"
[[published]]
id = "P1"
outcome = "wish"
category = "at_least_some"
group = { age_group = "50-64" }
value = 80
[[claim]]
id = "C1"
kind = "order"
nl = "Ouderen willen vaker."
en = "Older people want it more often."
greater = { outcome = "wish", category = "often", group = { age_group = "50-64" } }
lesser = { outcome = "wish", category = "often", group = { age_group = "18-34" } }
"""


def answers(n: int = 600, seed: int = 5) -> pd.DataFrame:
    """Raw rows: older respondents want it clearly more often."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 65, n)
    home = rng.integers(1, 3, n)
    lift = 1.2 * (age >= 50) + 0.5 * (home == 2) + rng.logistic(size=n)
    wish = 1 + (lift > -0.5).astype(int) + (lift > 1.0).astype(int)
    return pd.DataFrame(
        {"id": np.arange(1, n + 1), "w": rng.uniform(0.6, 1.4, n).round(3), "age": age, "home": home, "wish": wish}
    )


def small_study(folder: Path) -> Path:
    """Write ``study/`` and ``data.csv`` into a folder; gives the study."""
    study = folder / "study"
    study.mkdir()
    (study / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (study / "wish.toml").write_text(MODEL.format(family="cumulative", primary="true"), encoding="utf-8")
    (study / "wish_nominal.toml").write_text(MODEL.format(family="multinomial", primary="false"), encoding="utf-8")
    (study / "article.toml").write_text(ARTICLE, encoding="utf-8")
    answers().to_csv(folder / "data.csv", index=False)
    return study


@pytest.fixture(scope="session")
def study_in() -> Callable[[Path], Path]:
    """The function that writes the small study into a folder."""
    return small_study


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with ``study/`` and ``data.csv``."""
    small_study(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study with the results of its run in ``out``; read it, do not change it."""
    folder = tmp_path_factory.mktemp("ran")
    small_study(folder)
    assert main(["run", str(folder / "study"), "--data", str(folder / "data.csv"), "--out", str(folder / "out")]) == 0
    return folder


@pytest.fixture
def finished(ran: Path, tmp_path: Path) -> Path:
    """A copy of the small study and its results, to be changed."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    return tmp_path
