"""Answers to several items drawn from given parameters: for calibration, predictive checks and tests."""

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
    steps = [len(answers) - 1 for answers in categories]
    codes = simulated_codes(truth, np.repeat(np.arange(len(steps)), steps), columns, rng)
    answered: dict[str, Any] = {
        item: pd.Categorical.from_codes(own, dtype=pd.CategoricalDtype(list(answers), ordered=True))
        for item, own, answers in zip(items, codes, categories, strict=True)
    }
    return pd.DataFrame(answered)


def simulated_codes(
    truth: ItemParameters, cut_item: NDArray[np.intp], columns: Array, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions of the answers that people with these (n, p) columns give to each item, (J, n); `cut_item` is the item of each cut point."""
    person = rng.standard_normal(len(columns))
    found = np.empty((len(truth.loadings), len(columns)), dtype=np.intp)
    for j, loading in enumerate(truth.loadings):
        latent = columns @ truth.slopes[j] + loading * person + rng.logistic(size=len(columns))
        found[j] = np.searchsorted(truth.cuts[cut_item == j], latent)
    return found
