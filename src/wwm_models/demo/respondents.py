"""Synthetic respondents of the Waarde van Werk Monitor 2021, with a declared truth, in the layout of the raw file.

The columns and codes are those that ``models/wwm21/codebook.toml`` reads, and a test holds them to it. Every row says SYNTHETIC in its first column.

Outside the domain (`workers_on_site`, `without_work`) are workers who cannot work from home, and people without paid work. They carry the file's
other rows (2,508 workers of 4,008 respondents), so that reading, counting and the domain have something to do. No number of the article is about
them; all shares here are invented.

Two draws come from one declared population (`declared_truth`): `quota_respondents` for demonstrations, whose weighted percentages are those of the
article, and `random_respondents` for everything that is about uncertainty. `random_answers` gives the domain of a random draw already recoded.
`true_adjusted` says what an estimate should come near.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import MOST_SEED, whole_number
from wwm_models.demo.declared_truth import DECLARED
from wwm_models.demo.quota import Workers, ages_of, quota_codes, quota_workers, random_codes, random_workers
from wwm_models.demo.truth import DIRECTIONS, FACTORS, FORMS, Truth, to_direction
from wwm_models.errors import SurveyError
from wwm_models.numerics.arrays import Codes

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
    factors: pd.DataFrame, ages: Codes, weights: NDArray[np.float64], rng: np.random.Generator
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


def codes_of(factors: pd.DataFrame, factor: str) -> Codes:
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


_WEIGHT_SPREAD: Final = 0.45
_UNKNOWN_HOUSEHOLD: Final = 0.015
_UNKNOWN_EDUCATION: Final = 0.01
_UNSURE_OF_HOME_WORK: Final = 0.02


@dataclass(frozen=True)
class Others:
    """Shares of one kind of people outside the domain, by factor, in the order of `FACTORS`; each sums to one."""

    shares: Mapping[str, tuple[float, ...]]


CANNOT: Final = Others(
    MappingProxyType(
        {
            "age_group": (0.32, 0.31, 0.33, 0.04),
            "gender": (0.50, 0.50),
            "education": (0.27, 0.49, 0.24),
            "employment": (0.66, 0.25, 0.09),
        }
    )
)
NOT_EMPLOYED: Final = Others(
    MappingProxyType({"age_group": (0.27, 0.12, 0.30, 0.31), "gender": (0.43, 0.57), "education": (0.37, 0.40, 0.23)})
)


def workers_on_site(truth: Truth, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Give `n` workers who cannot work from home, or do not know, in raw columns."""
    factors = _drawn(truth, CANNOT, n, rng)
    answer = np.where(rng.random(n) < _UNSURE_OF_HOME_WORK, DONT_KNOW, NO)
    relation = pd.Categorical(factors["employment"], FACTORS["employment"]).codes + 1
    return _about(factors, rng).assign(betaald_werk=YES, kan_thuiswerken=answer, arbeidsrelatie=relation)


def without_work(truth: Truth, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Give `n` respondents without paid work in raw columns; questions about work are not asked."""
    return _about(_drawn(truth, NOT_EMPLOYED, n, rng), rng).assign(betaald_werk=NO)


def _drawn(truth: Truth, others: Others, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw each factor on its own, but household given age as in the domain."""
    drawn = pd.DataFrame({factor: rng.choice(FACTORS[factor], n, p=share) for factor, share in others.shares.items()})
    household = np.empty(n, dtype=object)
    for age, share in truth.composition.household.items():
        rows = (drawn["age_group"] == age).to_numpy()
        household[rows] = rng.choice(FACTORS["household"], int(rows.sum()), p=np.array(share) / sum(share))
    return drawn.assign(household=household)


def _about(factors: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give the columns everybody fills in, some of them without an answer."""
    n = len(factors)
    noise = np.exp(_WEIGHT_SPREAD * np.clip(rng.standard_normal(n), -2.5, 2.5))
    weights = np.round(noise / noise.mean(), 4)
    columns = about_respondents(factors, ages_of(factors["age_group"], rng), weights, rng)
    columns = without_household(columns, rng.random(n) < _UNKNOWN_HOUSEHOLD)
    education = np.where(rng.random(n) < _UNKNOWN_EDUCATION, NO_ANSWER, columns["opleiding"])
    return pd.DataFrame({**columns, "opleiding": education})


MOST_RESPONDENTS = 10_000_000  # more do not fit in the memory of a small machine

DOMAIN, EMPLOYED, EVERYBODY = 1530, 2508, 4008  # the article: who can work from home, has paid work, took part


def quota_respondents(seed: int, n: int = DOMAIN, *, truth: Truth = DECLARED) -> pd.DataFrame:
    """Give synthetic respondents whose weighted percentages are as expected, nearly without sampling error.

    With 1,530 they reproduce every number printed in the article and satisfy every claim of
    ``models/wwm21/article.toml`` that can be tested. Not for coverage, power or any check of uncertainty.

    Parameters
    ----------
    seed : int, 0 or more
        The same seed gives the same respondents.
    n : int, 100 or more
        Workers who can work from home; other workers and people without work are added in proportion.
    truth : Truth
        The declared population.

    Returns
    -------
    DataFrame
        The raw file: one row per respondent, ``note`` says SYNTHETIC; codes as in the codebook.

    Raises
    ------
    SurveyError
        If `n` or `seed` is too small.

    Examples
    --------
    >>> frame = quota_respondents(1)
    >>> len(frame), int((frame["kan_thuiswerken"] == 1).sum()), frame["note"].unique().tolist()
    (4008, 1530, ['SYNTHETIC'])
    """
    rng = _generator(seed, n)
    workers = quota_workers(truth, n, rng)
    return _file(truth, workers, quota_codes(truth, workers, rng), rng)


def random_respondents(seed: int, n: int = DOMAIN, *, truth: Truth = DECLARED) -> pd.DataFrame:
    """Give synthetic respondents drawn independently of each other: the kind for coverage and power.

    Parameters
    ----------
    seed : int, 0 or more
        The same seed gives the same respondents.
    n : int, 100 or more
        Workers who can work from home; other workers and people without work are added in proportion.
    truth : Truth
        The declared population.

    Returns
    -------
    DataFrame
        The raw file: one row per respondent, ``note`` says SYNTHETIC; codes as in the codebook.

    Raises
    ------
    SurveyError
        If `n` or `seed` is too small.

    Examples
    --------
    >>> frame = random_respondents(1, n=500)
    >>> int((frame["kan_thuiswerken"] == 1).sum()), len(frame)
    (500, 1310)
    """
    rng = _generator(seed, n)
    workers = random_workers(truth, n, rng)
    return _file(truth, workers, random_codes(truth, workers, rng), rng)


def random_answers(seed: int, n: int = DOMAIN, *, truth: Truth = DECLARED) -> pd.DataFrame:
    """Give the domain of a random draw already recoded, for ``Survey.from_frame(..., weight="weight")``.

    Parameters
    ----------
    seed : int, 0 or more
    n : int, 100 or more
        Workers who can work from home.
    truth : Truth
        The declared population.

    Returns
    -------
    DataFrame
        ``weight``; ``age_group`` (missing for 65-70) and ``household`` (missing where not told); the other factors, the
        questions (ordered) and the directions (nominal) as Categoricals.

    Raises
    ------
    SurveyError
        If `n` or `seed` is too small.

    Examples
    --------
    >>> list(random_answers(1, n=200)["relations_direction"].cat.categories)
    ['negative', 'none', 'positive']
    """
    rng = _generator(seed, n)
    workers = random_workers(truth, n, rng)
    return recoded(truth, workers, random_codes(truth, workers, rng))


def recoded(truth: Truth, workers: Workers, codes: Mapping[str, Codes]) -> pd.DataFrame:
    """Give workers and their answers as Categoricals by level id."""
    columns: dict[str, object] = {"weight": workers.weights}
    for factor, levels in FACTORS.items():
        shown = levels[:3] if factor == "age_group" else levels
        values = (
            workers.factors[factor].where(workers.household_known) if factor == "household" else workers.factors[factor]
        )
        columns[factor] = pd.Categorical(values.where(values.isin(shown)), shown)
    for outcome, law in truth.laws.items():
        form = FORMS[law.form]
        columns[outcome] = pd.Categorical(_named(codes[outcome], form.levels), form.levels, ordered=True)
        if form.directed:
            columns[f"{outcome}_direction"] = pd.Categorical(
                _named(to_direction(codes[outcome]), DIRECTIONS), DIRECTIONS
            )
    return pd.DataFrame(columns)


def _named(places: Codes, levels: tuple[str, ...]) -> NDArray[np.object_]:
    return np.array(levels, dtype=object)[places]


def _generator(seed: int, n: int) -> np.random.Generator:
    """Check both numbers at the door."""
    for value, name, least, most in ((seed, "seed", 0, MOST_SEED), (n, "n", 100, MOST_RESPONDENTS)):
        whole_number(value, f"Synthetic respondents: {name}", SurveyError, least=least, most=most)
    return np.random.default_rng(seed)


def _file(truth: Truth, workers: Workers, codes: Mapping[str, Codes], rng: np.random.Generator) -> pd.DataFrame:
    """Add the respondents outside the domain and put everything in the layout of the raw file."""
    n = len(workers.factors)
    on_site = round(n * EMPLOYED / DOMAIN) - n
    idle = round(n * EVERYBODY / DOMAIN) - on_site - n
    about = about_respondents(workers.factors, ages_of(workers.factors["age_group"], rng), workers.weights, rng)
    about = without_household(about, ~workers.household_known)
    work = {"betaald_werk": YES, "kan_thuiswerken": YES, "arbeidsrelatie": codes_of(workers.factors, "employment")}
    answers = {ANSWER_COLUMNS[outcome]: answer + 1 for outcome, answer in codes.items()}
    domain = pd.DataFrame(about).assign(**work, **answers)
    return raw_frame([domain, workers_on_site(truth, on_site, rng), without_work(truth, idle, rng)], rng)
