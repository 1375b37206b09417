"""Answers to several items drawn from declared parameters: for calibration and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records import ItemParameters

Array = NDArray[np.float64]


def simulated_items(
    items: Sequence[str], categories: Sequence[Sequence[str]], truth: ItemParameters, columns: Array, rng: np.random.Generator
) -> pd.DataFrame:  # fmt: skip
    """Answers of people with these predictor columns, each with his own standard normal effect.

    Parameters
    ----------
    items : sequence of str
    categories : sequence of sequences of str
        Answers of each item, lowest first; together they have one cut point fewer each.
    truth : ItemParameters
    columns : (n, p) array
    rng : numpy Generator

    Returns
    -------
    DataFrame
        One ordered Categorical per item.
    """
    person = rng.standard_normal(len(columns))
    ends = np.cumsum([len(answers) - 1 for answers in categories])
    answered: dict[str, Any] = {}
    for j, cuts in enumerate(np.split(truth.cuts, ends[:-1])):
        latent = columns @ truth.slopes[j] + truth.loadings[j] * person + rng.logistic(size=len(columns))
        codes = np.searchsorted(cuts, latent)
        answered[items[j]] = pd.Categorical.from_codes(
            codes, dtype=pd.CategoricalDtype(list(categories[j]), ordered=True)
        )
    return pd.DataFrame(answered)
