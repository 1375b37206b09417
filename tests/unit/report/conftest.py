"""A run that never happened: three outcomes, every kind of cell the page must show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wwm_models.records import Collapse, Level, Results, Variable

AGES = ("18-34", "35-49", "50-64")
HOUSEHOLDS = ("single", "single_parent", "couple_no_children", "couple_children")
FREQUENCY = ("never", "few_per_year_or_month", "once_per_week", "several_per_week", "almost_daily")
DIRECTION = ("negative", "none", "positive")
MADE = Callable[..., Results]


class Cells(HTMLParser):
    """Rows of the tables of one class: per cell its attributes, own text and small text."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.inside, self.cell, self.small = kind, False, False, False
        self.rows: list[list[dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.inside = self.kind in found.get("class", "").split()
        elif self.inside and tag == "tr":
            self.rows.append([])
        elif self.inside and tag in ("td", "th"):
            self.rows[-1].append({"tag": tag, "text": "", "small": "", **found})
            self.cell = True
        self.small = tag == "small"

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "table"
        self.cell = self.cell and tag not in ("td", "th")
        self.small = False

    def handle_data(self, data: str) -> None:
        if self.inside and self.cell:
            self.rows[-1][-1]["small" if self.small else "text"] += data


def rows_of(page: str, kind: str) -> list[list[dict[str, str]]]:
    parser = Cells(kind)
    parser.feed(page)
    return parser.rows


def _variables() -> dict[str, Variable]:
    frequency = (
        Level("never", "nooit", "never"),
        Level("few_per_year_or_month", "een aantal keer per jaar of maand", "a few times a year or month"),
        Level("once_per_week", "een keer per week", "once a week"),
        Level("several_per_week", "een aantal keer per week", "several times a week"),
        Level("almost_daily", "(bijna) iedere dag", "(almost) every day"),
    )
    direction = (
        Level("negative", "(zeer) negatief", "(very) negative"),
        Level("none", "geen effect", "no effect"),
        Level("positive", "(zeer) positief", "(very) positive"),
    )
    households = (
        Level("single", "eenpersoonshuishouden", "living alone"),
        Level("single_parent", "eenouderhuishouden", "lone parent"),
        Level("couple_no_children", "paar zonder thuiswonende kinderen", "couple, no children at home"),
        Level("couple_children", "paar met thuiswonende kinderen", "couple with children at home"),
    )
    ages = tuple(Level(age, f"{age} jaar", f"{age} years") for age in AGES)
    return {
        "age_group": Variable("age_group", "ordered", ages, "leeftijdsgroep", "age group"),
        "household": Variable("household", "nominal", households, "huishoudenssamenstelling", "household composition"),
        "desired": Variable(
            "desired", "ordered", frequency, "hoe vaak men thuis wil werken", "how often to work from home"
        ),
        "autonomy_direction": Variable(
            "autonomy_direction", "nominal", direction, "effect op zelf beslissen", "effect on deciding for oneself"
        ),
        "relations_direction": Variable(
            "relations_direction", "nominal", direction, "effect op relaties", "effect on relations"
        ),
    }


def _comparison(outcomes: dict[str, tuple[str, str, tuple[str, ...]]], bayes: bool) -> pd.DataFrame:
    generator = np.random.default_rng(21)
    rows: list[dict[str, Any]] = []
    known: dict[tuple[str, str], list[float]] = {}
    for model, (outcome, _, categories) in outcomes.items():
        for estimand, by, groups in (
            ("overall", "", ("",)),
            ("household-adjusted", "age_group", tuple(f"age_group={age}" for age in AGES)),
            ("age_group-adjusted", "household", tuple(f"household={home}" for home in HOUSEHOLDS)),
            ("total", "age_group", tuple(f"age_group={age}" for age in AGES)),
            ("total", "household", tuple(f"household={home}" for home in HOUSEHOLDS)),
        ):
            for group in groups:
                if (model, group) not in known:
                    known[model, group] = _shares(generator, len(categories))
                for category, share in zip(categories, known[model, group], strict=True):
                    rows.append(_row(generator, model, estimand, outcome, category, by, group, float(share), bayes))
    return pd.DataFrame(rows)


def _shares(generator: np.random.Generator, count: int) -> list[float]:
    """Shares of the answers; a sixth is the two highest of five together."""
    shares = generator.dirichlet(np.full(min(count, 5), 6.0)).tolist()
    return [*shares, shares[3] + shares[4]] if count == 6 else shares


def _row(
    generator: np.random.Generator,
    model: str,
    estimand: str,
    outcome: str,
    category: str,
    by: str,
    group: str,
    share: float,
    bayes: bool,
) -> dict[str, Any]:
    shift, half = float(generator.normal(0, 0.02)), float(generator.uniform(0.015, 0.06))
    adjusted = min(max(share + shift, 0.004), 0.99)
    printed = round(share, 2) if category in ("almost_daily", "positive") else np.nan
    row: dict[str, Any] = {
        "model": model, "estimand": estimand, "outcome": outcome, "category": category, "by": by, "group": group,
        "published": printed, "published_lower": printed - 0.005, "published_upper": printed + 0.005,
        "raw": share, "raw_lower": max(share - half, 0.001), "raw_upper": min(share + half, 0.999),
        "difference": adjusted - share, "difference_se": half / 4, "count": float(round(share * 400)), "n": 400.0,
    }  # fmt: skip
    for engine, value in (("likelihood", adjusted), ("bayes", adjusted + 0.001 if bayes else np.nan)):
        name, known = f"adjusted_{engine}", not np.isnan(value)
        row[name] = value
        row[f"{name}_lower"] = max(value - half, 0.001) if known else np.nan
        row[f"{name}_upper"] = min(value + half, 0.999) if known else np.nan
    if group == "household=single_parent" and outcome == "desired":
        row |= dict.fromkeys(("raw", "raw_lower", "raw_upper", "count", "difference", "difference_se"), np.nan) | {
            "n": 7.0
        }
    return row


_LEDGER = """
C01|62 procent wil minstens een aantal keer per week thuiswerken.|figuur 1|value|62%|reproduced|shift +0.8||reproduced|desired=at_least_weekly: raw 62.2 [59.5, 64.8]
C02|Ouderen willen duidelijk vaker (bijna) iedere dag thuiswerken dan jongeren.|figuur 1|order||holds|weaker|0.713|weaker|raw 9.1, adjusted 5.8
C03|Een meerderheid verwacht een negatief effect op relaties.|figuur 2|bound||holds|holds|0.998|holds|raw 57.0, adjusted 56.8
C04|Van de jongeren verwacht 13 procent een positief effect op promotie.|figuur 2|value|13%|not reproduced|shift -1.2||not reproduced|raw 14.9
C05|Alleenwonenden zien vaker een negatief effect dan paren.|figuur 3|order||undecided|undecided|0.61|undecided|raw 2.0 [-3.1, 7.1]
C06|Jongeren hechten meer aan de werkvloer dan ouderen.|figuur 2|order||undecided|reverses|0.004|reverses|adjusted -6.2 [-9.9, -2.5]
C07|Het gewenste aantal thuiswerkuren ligt hoger dan voorheen.|tekst|all|||||cannot be tested|hours worked from home, wanted and before
C08|Vrijwel iedereen heeft een mening over thuiswerken.|tekst|all|||||cannot be tested|an opinion question
"""
_LEDGER_COLUMNS = (
    "id", "statement", "where", "kind", "published", "raw_verdict", "likelihood_verdict", "bayes_probability", "verdict", "reason",
)  # fmt: skip


def _claims() -> pd.DataFrame:
    rows = [line.split("|") for line in _LEDGER.strip().splitlines()]
    table = pd.DataFrame(rows, columns=list(_LEDGER_COLUMNS))
    return table.assign(bayes_probability=pd.to_numeric(table["bayes_probability"]))


def _diagnostics(models: list[str]) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for model in models:
        rows += [
            (model, "all exposures", "convergence", 5.0, "ok", "converged in 5 steps"),
            (model, "all exposures", "gradient_norm", 3.2e-9, "ok", ""),
            (model, "all exposures", "loglik", -2103.48, "info", "robust covariance"),
            (model, "all exposures", "n", 1507.0, "info", ""),
        ]
    return pd.DataFrame(rows, columns=["model", "estimand", "check", "value", "status", "message"])


def _accounting(models: list[str]) -> pd.DataFrame:
    rows: list[tuple[str, str, int]] = [
        ("", "rows in the file", 4008),
        ("", "outside: employed == 'yes'", 1500),
        ("", "outside: can_work_from_home == 'yes'", 978),
        ("", "rows in the domain", 1530),
    ]
    for model in models:
        rows += [(model, "household: household composition unknown", 23), (model, "rows used", 1507)]
    return pd.DataFrame(rows, columns=["model", "reason", "rows"])


def made(*, lang: str = "nl", synthetic: bool = True, bayes: bool = True, copies: int = 1) -> Results:
    """A run; `copies` repeats its models under other names."""
    together = Collapse(
        "at_least_weekly",
        "desired",
        FREQUENCY[3:],
        "ten minste een aantal keer per week",
        "at least several times a week",
    )
    base = {
        "desired": ("desired", "Hoe vaak werkenden thuis willen werken", (*FREQUENCY, "at_least_weekly")),
        "autonomy_direction": ("autonomy_direction", "Zelf beslissen over het werk", DIRECTION),
        "relations_direction": ("relations_direction", "Relatie met collega's of klanten", DIRECTION),
    }
    outcomes = {f"{name}_{copy}" if copy else name: of for copy in range(copies) for name, of in base.items()}
    tables = {
        "comparison": _comparison(outcomes, bayes),
        "claims": _claims(),
        "diagnostics": _diagnostics(list(outcomes)),
        "accounting": _accounting(list(outcomes)),
    }
    word = "SYNTHETIC" if synthetic else "real"
    for table in tables.values():
        table.insert(0, "study", "wwm21")
        table.insert(1, "data", word)
    return Results(
        study="wwm21-synthetic" if synthetic else "wwm21",
        title="Thuiswerken naar leeftijd en huishouden",
        synthetic=synthetic,
        lang=lang,
        tables=tables,
        variables=_variables(),
        collapses={"desired_at_least_weekly": together},
        models={name: {"nl": title, "en": f"{title} (en)"} for name, (_, title, _) in outcomes.items()},
        settings=MappingProxyType(
            {
                "engines": ["likelihood", "bayes"],
                "seed": 1,
                "level": 0.95,
                "lang": lang,
                "data_file": "wwm21.csv",
                "citation": "Dutch magazine article, May 2021",
                "survey_title": "Waarde van Werk Monitor 2021",
            }
        ),
    )


def with_table(results: Results, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Results:
    """The same run with one table changed."""
    return replace(results, tables={**results.tables, name: change(results.tables[name].copy())})


@pytest.fixture
def make() -> MADE:
    return made


@pytest.fixture
def change() -> Callable[[Results, str, Callable[[pd.DataFrame], pd.DataFrame]], Results]:
    return with_table


@pytest.fixture(name="cells_of")
def _cells_of() -> Callable[[str, str], list[list[dict[str, str]]]]:
    return rows_of
