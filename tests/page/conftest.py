"""A run that never happened: three outcomes, every kind of cell the page must show; and a browser to show it in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wwm_models.records import Collapse, Level, Results, Variable
from wwm_models.report import render_page
from wwm_models.store import write_table

AGES = ("18-34", "35-49", "50-64")
HOUSEHOLDS = ("single", "single_parent", "couple_no_children", "couple_children")
FREQUENCY = ("never", "few_per_year_or_month", "once_per_week", "several_per_week", "almost_daily")
DIRECTION = ("negative", "none", "positive")
MADE = Callable[..., Results]


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


def _evidence(comparison: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables under the claims and beside the comparison, made of its numbers."""
    generator = np.random.default_rng(5)
    some = comparison[comparison["estimand"] != "total"].iloc[::7].reset_index(drop=True)
    keys = some[["model", "estimand", "outcome", "category", "by", "group"]]
    moved = comparison.loc[comparison["estimand"] != "total", [*keys]]
    parts = pd.concat(
        [
            moved.assign(part=part, percentage_points=generator.normal(0, 1, len(moved)), std_error=0.3)
            for part in ("model form", "gender", "difference")
        ]
    )
    variants = pd.concat(
        [keys.assign(variant=name, estimate=some["adjusted_likelihood"] + shift, lower=some["adjusted_likelihood"] - 0.02, upper=some["adjusted_likelihood"] + 0.04)
         for name, shift in (("cumulative", 0.0), ("multinomial", 0.013), ("unweighted", -0.021))]
    )  # fmt: skip
    agreement = keys.assign(
        likelihood=some["adjusted_likelihood"],
        bayes=some["adjusted_likelihood"] + 0.004,
        gap_points=0.4,
        gap_sd=0.21,
        limit=0.5,
        cause="prior",
    )
    fragility = pd.DataFrame(
        {"model": "desired", "claim": ["C02", "C03"], "axis": ["confounding", "weights"], "smallest_change": [1.42, 0.3], "unit": ["risk ratio", "share"],
         "reverses": [True, False], "sentence_nl": ["een onbekende factor van 1,4", "geen gewicht"], "sentence_en": ["an unknown factor of 1.4", "no weight"]}
    )  # fmt: skip
    bounds = pd.DataFrame(
        {"id": ["B1", "B2"], "kind": "value", "outcome": "desired", "category": ["never", "almost_daily"], "by": "age_group", "group": "age_group=18-34",
         "delta": np.inf, "lower": [0.0313, 0.11], "upper": [0.22, 0.3119], "max_entropy": [0.1, 0.2], "published_lower": [np.nan, 0.195],
         "published_upper": [np.nan, 0.205], "narrows_most": "age by household", "verdict": ["undecided", "holds"]}
    )  # fmt: skip
    return {
        "decomposition": parts.reset_index(drop=True),
        "robustness": variants.reset_index(drop=True),
        "agreement": agreement,
        "fragility": fragility,
        "bounds": bounds,
    }


def _reference(role: str, outcome: str, category: str, **group: str) -> dict[str, Any]:
    return {"role": role, "outcome": outcome, "category": category, "group": group}


def _claim(name: str, kind: str, *references: dict[str, Any], **more: Any) -> dict[str, Any]:
    empty = {
        "numbers": {},
        "rounding": "integer",
        "margin_by": "",
        "estimand": "",
        "missing": "",
        "parts": [],
        "nl": "",
        "en": f"{name} in English",
    }
    return {**empty, "id": name, "kind": kind, "references": list(references), **more}


def _declared(outcomes: dict[str, tuple[str, str, tuple[str, ...]]]) -> dict[str, Any]:
    """What the study says it is: models, claims and three figures, one of each kind."""
    models = {
        name: {"outcome": outcome, "formula": f"{outcome} ~ age_group + household", "family": "cumulative", "link": "logit", "primary": name == outcome,
               "weights": "survey", "estimands": ["total", "household-adjusted"]}
        for name, (outcome, _, _) in outcomes.items()
    }  # fmt: skip
    claims = [
        _claim("C01", "value", _reference("at", "desired", "at_least_weekly"), numbers={"value": 62.0}),
        _claim("C02", "order", _reference("greater", "desired", "almost_daily", age_group="50-64"), _reference("lesser", "desired", "almost_daily", age_group="18-34"), numbers={"margin": 5.0}),
        _claim("C03", "bound", _reference("at", "relations_direction", "negative", age_group="18-34"), numbers={"above": 50.0}),
        _claim("C07", "all", missing="hours worked from home, wanted and before"),
    ]  # fmt: skip
    figures = [
        {"id": "figure-1", "kind": "answers", "outcomes": ["desired"], "by": ["age_group"], "categories": [], "where": "figure 1", "nl": "Gewenste frequentie", "en": "Desired frequency"},
        {"id": "figure-2", "kind": "matrix", "outcomes": ["autonomy_direction", "relations_direction"], "by": ["age_group"], "categories": [], "where": "figure 2", "nl": "Effecten", "en": "Effects"},
        {"id": "figure-3", "kind": "paired", "outcomes": ["desired", "autonomy_direction"], "by": ["household"], "categories": ["almost_daily", "positive"], "where": "", "nl": "Twee naast elkaar", "en": "Two side by side"},
    ]  # fmt: skip
    return {"models": models, "estimand": "household-adjusted", "claims": claims, "figures": figures}


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
    comparison = _comparison(outcomes, bayes)
    tables = {
        "comparison": comparison,
        **_evidence(comparison),
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
        declared=_declared(outcomes),
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


@pytest.fixture(scope="session")
def make() -> MADE:
    return made


@pytest.fixture
def change() -> Callable[[Results, str, Callable[[pd.DataFrame], pd.DataFrame]], Results]:
    return with_table


FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium, driven by playwright; .ci/run installs it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; .ci/run installs Debian's")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


class Opened:
    """A page in a tab, with everything the console and the network said."""

    def __init__(
        self, browser: Any, path: Path, *, width: int = 1280, fragment: str = "", scheme: str = "light"
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, service_workers="block"
        )
        self.tab = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.tab.on("pageerror", lambda problem: self.said.append(f"error: {problem}"))
        self.tab.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(path.as_uri() + (f"#{fragment}" if fragment else ""))
        self.tab.wait_for_selector("body[data-ready=yes]", timeout=30_000)

    def settled(self) -> None:
        """Wait until what a click asked for is drawn."""
        self.tab.wait_for_timeout(30)
        self.tab.wait_for_selector("body[data-ready=yes]", timeout=30_000)


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Open a file; every tab is closed afterwards."""
    tabs: list[Opened] = []

    def open_it(path: Path, **how: Any) -> Opened:
        tabs.append(Opened(browser, path, **how))
        return tabs[-1]

    yield open_it
    for tab in tabs:
        tab.context.close()


def written(results: Results, folder: Path) -> Path:
    """The results as a folder with its csv tables; gives the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in results.tables.items():
        write_table(table, folder / f"{name}.csv")
    page = folder / "report.html"
    page.write_text(render_page(results), encoding="utf-8")
    return page


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the whole run, with its csv tables beside it."""
    return written(made(), tmp_path_factory.mktemp("run"))


@pytest.fixture(name="write")
def _write() -> Callable[[Results, Path], Path]:
    return written
