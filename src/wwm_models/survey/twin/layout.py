"""Synthetic respondents in the layout of the raw file that ``models/wwm21/codebook.toml`` reads: its columns and codes.

Every row says SYNTHETIC in its first column. A test holds these columns and codes to the codebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.survey.twin.draw import Integers
from wwm_models.survey.twin.population import FACTORS

MARK: Final = "SYNTHETIC"
YES: Final = 1
NO: Final = 2
DONT_KNOW: Final = 8
NO_ANSWER: Final = 9
NO_ANSWER_CHILDREN: Final = 99

ANSWER_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "desired": "thuis_gewenst",
        "before": "thuis_voor_corona",
        "relations": "effect_relaties",
        "development": "effect_ontwikkeling",
        "promotion": "effect_promotie",
        "autonomy": "effect_autonomie",
        "work_life": "effect_werk_prive",
        "concentration": "effect_concentratie",
        "amount_of_work": "effect_hoeveelheid",
    }
)
COLUMNS: Final = (
    "note", "respondent", "weegfactor", "leeftijd", "geslacht", "opleiding", "betaald_werk", "kan_thuiswerken",
    "arbeidsrelatie", "partner", "kinderen_thuis", *ANSWER_COLUMNS.values(),
)  # fmt: skip


def about_respondents(
    factors: pd.DataFrame, ages: Integers, weights: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Give the columns that everybody fills in, as codes.

    Parameters
    ----------
    factors : DataFrame, n rows
        At least household, gender and education as level ids.
    ages : (n,) whole years
    weights : (n,) array
    rng : Generator
        Draws the number of children where there are any.
    """
    household = factors["household"].astype(str)
    couple = household.str.startswith("couple").to_numpy()
    parent = household.isin(["single_parent", "couple_children"]).to_numpy()
    children = np.where(parent, rng.choice([1, 2, 3], size=len(factors), p=[0.4, 0.45, 0.15]), 0)
    return {
        "weegfactor": weights,
        "leeftijd": ages,
        "geslacht": codes_of(factors, "gender"),
        "opleiding": codes_of(factors, "education"),
        "partner": np.where(couple, YES, NO),
        "kinderen_thuis": children,
    }


def without_household(
    columns: Mapping[str, NDArray[np.generic]], unknown: NDArray[np.bool_]
) -> dict[str, NDArray[np.generic]]:
    """Give the columns with no answer about the partner, or about the children in turn, for the rows in `unknown`."""
    every_other = np.cumsum(unknown) % 2 == 0
    partner = np.where(unknown & ~every_other, NO_ANSWER, columns["partner"])
    children = np.where(unknown & every_other, NO_ANSWER_CHILDREN, columns["kinderen_thuis"])
    return {**columns, "partner": partner, "kinderen_thuis": children}


def codes_of(factors: pd.DataFrame, factor: str) -> Integers:
    """Give (n,) the codes of a factor: the place of the level, from 1."""
    return (pd.Categorical(factors[factor], FACTORS[factor]).codes + 1).astype(np.intp)


def raw_frame(parts: list[pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """Give all respondents in random order with a number and the mark; questions not asked are empty.

    Parameters
    ----------
    parts : list of DataFrame
        Columns among `COLUMNS`; those that are absent were not asked.
    rng : Generator

    Returns
    -------
    DataFrame
        `COLUMNS`; codes are nullable integers.
    """
    coded = [column for column in COLUMNS if column not in {"note", "weegfactor"}]
    together = pd.concat([part.reindex(columns=list(COLUMNS)).astype(dict.fromkeys(coded, "Int64")) for part in parts])
    shuffled = together.iloc[rng.permutation(len(together))].reset_index(drop=True)
    numbers = pd.array(np.arange(1, len(shuffled) + 1), dtype="Int64")
    return shuffled.assign(note=MARK, respondent=numbers)
