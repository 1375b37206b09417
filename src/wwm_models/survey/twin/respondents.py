"""Synthetic respondents of the Waarde van Werk Monitor 2021, with a declared truth.

Two draws from one declared population (``declared``): `quota_respondents` for demonstrations, whose weighted
percentages are those of the article, and `random_respondents` for everything that is about uncertainty. Both give the
raw file that ``models/wwm21/codebook.toml`` reads, marked SYNTHETIC in every row; `random_answers` gives the domain of a
random draw already recoded. `true_adjusted` says what an estimate should come near.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import MOST_SEED, whole_number
from wwm_models.errors import SurveyError
from wwm_models.survey.twin.adjusted import true_adjusted
from wwm_models.survey.twin.declared import DECLARED
from wwm_models.survey.twin.draw import Integers, Workers, ages_of, random_codes, random_workers
from wwm_models.survey.twin.layout import ANSWER_COLUMNS, YES, about_respondents, codes_of, raw_frame, without_household
from wwm_models.survey.twin.outside import without_work, workers_on_site
from wwm_models.survey.twin.population import FACTORS
from wwm_models.survey.twin.quota import quota_codes, quota_workers
from wwm_models.survey.twin.truth import DIRECTIONS, FORMS, Truth, to_direction

MOST_RESPONDENTS = 10_000_000  # more do not fit in the memory of a small machine
__all__ = ["DECLARED", "Truth", "quota_respondents", "random_answers", "random_respondents", "true_adjusted"]

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


def recoded(truth: Truth, workers: Workers, codes: Mapping[str, Integers]) -> pd.DataFrame:
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


def _named(places: Integers, levels: tuple[str, ...]) -> NDArray[np.object_]:
    return np.array(levels, dtype=object)[places]


def _generator(seed: int, n: int) -> np.random.Generator:
    """Check both numbers at the door."""
    for value, name, least, most in ((seed, "seed", 0, MOST_SEED), (n, "n", 100, MOST_RESPONDENTS)):
        whole_number(value, f"Synthetic respondents: {name}", SurveyError, least=least, most=most)
    return np.random.default_rng(seed)


def _file(truth: Truth, workers: Workers, codes: Mapping[str, Integers], rng: np.random.Generator) -> pd.DataFrame:
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
