"""The invented respondents that are timed, and processor seconds of our fits and of the R peers' in the same run.

Processor seconds are the clock's seconds of a program with one thread on a machine that does nothing else, and stay near them
where others are at work too; everything here runs with one thread.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
LEVELS = {"age_group": 3, "household": 4, "gender": 2, "education": 4, "employment": 3, "sector": 5}
FORMULA = "y ~ " + " + ".join(LEVELS)
ORDINAL_PEERS = ("rms::lrm", "MASS::polr", "ordinal::clm", "VGAM::vglm(cumulative)")
NOMINAL_PEERS = ("nnet::multinom", "VGAM::vglm(multinomial)")


def respondents(n: int, seed: int = 7) -> pd.DataFrame:
    """Independent predictors with 15 slopes in all, and five answers: 19 parameters."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(0, size, n) for name, size in LEVELS.items()}
    latent = 0.4 * codes["age_group"] - 0.3 * codes["household"] + 0.2 * codes["education"] + rng.logistic(size=n)
    answer = np.digitize(latent, [-1.5, -0.3, 0.6, 2.0])
    frame = {
        name: pd.Categorical.from_codes(code, [f"{name[0]}{i}" for i in range(LEVELS[name])])
        for name, code in codes.items()
    }
    return pd.DataFrame({**frame, "y": pd.Categorical.from_codes(answer, [1, 2, 3, 4, 5], ordered=True)})


def seconds_of(task: Callable[[], object], repeats: int) -> float:
    """Processor seconds of one run: the mean of the repeats, after one run that does not count."""
    task()
    start = time.process_time()
    for _ in range(repeats):
        task()
    return (time.process_time() - start) / repeats


def peer_seconds(frame: pd.DataFrame, peers: Sequence[str], repeats: int, limit: float) -> dict[str, float]:
    """Processor seconds of a fit by R peers; infinite beyond `limit` seconds in all; empty where R is not installed.

    Parameters
    ----------
    frame : DataFrame
        A column ``weight`` counts equal respondents.
    peers : sequence of str
        Names in peers.R; one whose package is not installed is left out.
    repeats : int
    limit : float
        Seconds for reading the rows and all repeats together.
    """
    if shutil.which("Rscript") is None:
        return {}
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame.to_csv(path, index=False)
        for peer in peers:
            try:
                done = subprocess.run(
                    ["Rscript", str(HERE / "peers.R"), str(path), str(repeats), peer],
                    capture_output=True, text=True, check=False, timeout=limit,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                found[peer] = float("inf")
                continue
            if done.returncode == 0:
                found[peer] = float(done.stdout)
    return found
