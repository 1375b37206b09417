"""The small study that is broken, and an independent calculation of what its data say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

CODEBOOK = """
[source]
title = "A small survey"
id = "id"
[survey]
weight = "w"
weight_kind = "sampling"
suppress_below = 0
accept_extreme_weights = true
[variables.age_group]
column = "age"
kind = "ordered"
cut = { breaks = [18, 35, 50, 65], closed = "left" }
levels = [ { id = "18-34", nl = "18-34", en = "18-34" }, { id = "35-49", nl = "35-49", en = "35-49" }, { id = "50-64", nl = "50-64", en = "50-64" } ]
[variables.household]
column = "home"
kind = "nominal"
nl = "huishouden"
en = "household"
levels = [ { id = "alone", codes = [1], nl = "alleen", en = "alone" }, { id = "together", codes = [2], nl = "samen", en = "together" } ]
missing = [ { codes = [9], reason = "unknown" } ]
[variables.wish]
column = "wish"
kind = "ordered"
levels = [
  { id = "never", codes = [1], nl = "nooit", en = "never" },
  { id = "some", codes = [2], nl = "soms", en = "some" },
  { id = "often", codes = [3], nl = "vaak", en = "often" },
]
[collapses.at_least_some]
variable = "wish"
levels = ["some", "often"]
"""
MODEL = """
outcome = "wish"
family = "cumulative"
link = "logit"
exposures = ["age_group", "household"]
adjusters = []
interactions = []
estimands = ["total", "household-adjusted"]
nonproportional = []
weights = "survey"
engines = ["likelihood"]
contrasts = "pairwise"
primary = true
"""
ARTICLE = """
[article]
title = "A small article"
citation = "Somebody, somewhere"
estimand = "household-adjusted"
n = { figure_1 = 80 }
[[published]]
id = "P1"
outcome = "wish"
category = "at_least_some"
group = { age_group = "50-64" }
value = 80
rounding = "integer"
where = "figure 1"
[[claim]]
id = "C1"
kind = "order"
nl = "Ouderen willen vaker."
en = "Older people want it more often."
where = "figure 1"
greater = { outcome = "wish", category = "often", group = { age_group = "50-64" } }
lesser = { outcome = "wish", category = "often", group = { age_group = "18-34" } }
margin = 0
[[claim]]
id = "C2"
kind = "bound"
nl = "Een meerderheid wil soms of vaak."
en = "A majority wants it sometimes or often."
where = "text"
at = { outcome = "wish", category = "at_least_some", group = {} }
above = 50
[[claim]]
id = "C3"
kind = "range"
nl = "Een kwart tot een derde wil nooit."
en = "A quarter to a third never wants it."
where = "text"
at = { outcome = "wish", category = "never", group = {} }
lower = 20
upper = 40
"""
SMALL = (
    ('["age_group", "household"]', '["age_group"]'),
    ('["total", "household-adjusted"]', '["total"]'),
    ('"household-adjusted"', '"total"'),
)
AGES = ("18-34", "35-49", "50-64")
WISHES = ("never", "some", "often")


def answers(n: int, seed: int) -> pd.DataFrame:
    """Raw rows in which older people want it more often."""
    rng = np.random.default_rng(seed)
    age, home = rng.integers(18, 65, n), rng.choice([1, 2, 9], n, p=[0.48, 0.48, 0.04])
    lift = 1.2 * (age >= 50) + 0.5 * (home == 2) + rng.logistic(size=n)
    wish = 1 + (lift > -0.5).astype(int) + (lift > 1.0).astype(int)
    weights = rng.uniform(0.6, 1.4, n).round(3)
    return pd.DataFrame({"id": np.arange(1, n + 1), "w": weights, "age": age, "home": home, "wish": wish})


def write_study(folder: Path, *, small: bool = False) -> Path:
    """A study folder with a codebook, a model and an article; the small one has one exposure, so that a run of it takes half the time."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"codebook.toml": CODEBOOK, "wish.toml": MODEL, "article.toml": ARTICLE}
    for name, text in files.items():
        for long, short in SMALL if small else ():
            text = text.replace(long, short)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def shares(rows: Mapping[str, list[object]]) -> dict[tuple[str, str], float]:
    """Weighted share of every answer in every age group, by plain sums over rows that are all legal."""
    held: dict[tuple[str, str], float] = {}
    totals: dict[str, float] = {}
    for weight, age, wish in zip(rows["w"], rows["age"], rows["wish"], strict=True):
        years = float(str(age))
        group = AGES[sum(years >= end for end in (35, 50))]
        answer = WISHES[int(float(str(wish))) - 1]
        held[group, answer] = held.get((group, answer), 0.0) + float(str(weight))
        totals[group] = totals.get(group, 0.0) + float(str(weight))
    return {
        (group, answer): held.get((group, answer), 0.0) / totals[group] if totals.get(group) else math.nan
        for group in AGES
        for answer in WISHES
    }
