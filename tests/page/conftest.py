"""A run that never happened: three outcomes, every kind of cell the page must show; and a browser to show it in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wwm_models.demo.respondents import quota_respondents
from wwm_models.identification.bounds import BOUNDS_COLUMNS, WORDS
from wwm_models.report.page import render_page, unpacked
from wwm_models.results.atomic_files import write_table
from wwm_models.results.results import Results
from wwm_models.study.model_files import bundled_study
from wwm_models.study.run import run_study
from wwm_models.survey.survey import Collapse, Level, Variable

AGES = ("18-34", "35-49", "50-64")
HOUSEHOLDS = ("single", "single_parent", "couple_no_children", "couple_children")
FREQUENCY = ("never", "few_per_year_or_month", "once_per_week", "several_per_week", "almost_daily")
DIRECTION = ("negative", "none", "positive")
KEYS = ["model", "estimand", "by", "group", "outcome", "category"]
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
    moved = comparison.loc[comparison["estimand"] != "total", KEYS]
    parts = pd.concat(
        [
            moved.assign(part=part, percentage_points=generator.normal(0, 1, len(moved)), std_error=0.3, lower=-1.0, upper=1.0, level=0.95)
            for part in ("rows left out", "model form", "gender", "difference")
        ]
    )  # fmt: skip
    value = some["adjusted_likelihood"]
    robustness = some[KEYS].assign(
        declared=value, nonproportional=value + 0.013, multinomial=np.nan, unweighted=value - 0.021, exposure_only=value + 0.002, other_exposures=np.nan,
        bayes=value + 0.004, largest_gap_points=2.1, against="unweighted", nonproportional_se=0.01, multinomial_se=np.nan, df=np.inf,
    )  # fmt: skip
    agreement = some[KEYS].assign(
        likelihood=value, bayes=value + 0.004, gap_points=0.4, gap_sds=0.61, limit_points=1.0, limit_sds=0.5, status="differ", cause="prior",
        prior_points=0.39, family_points=0.1, weights_points=0.2,
    )  # fmt: skip
    return {
        "decomposition": parts.reset_index(drop=True),
        "robustness": robustness,
        "agreement": agreement,
        "fragility": _fragility(),
        "bounds": _bounds(),
        "precision": _precision(comparison),
    }


def _fragility() -> pd.DataFrame:
    rows = [
        ("C02", "unmeasured confounding", 1.42, "E-value", "flips", "risk ratio 1.24 moved to 1", True),
        ("C02", "trimmed weights", np.nan, "times the mean weight", "does not flip", "9 changes tried", True),
        ("C03", "part of the population left out", 0.3, "share of respondents", "flips", "without age_group = 50-64", True),
        ("C03", "parallel slopes relaxed", np.nan, "step", "does not apply", "nothing to change", True),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["id", "axis", "change", "unit", "status", "detail", "stands"])


def _bounds() -> pd.DataFrame:
    """A printed number, a difference that a limit narrows, a ratio and a whole claim, at three limits."""
    rows: list[tuple[object, ...]] = []
    for delta, low, high in ((0.0, -0.06, 0.05), (0.05, -0.1, 0.09), (np.inf, -0.25, 0.28)):
        last = delta == np.inf
        rows += [
            ("P01", "number", "desired", "almost_daily", "age_group", "age_group=18-34", delta, 0.11, 0.3119, 0.2, 0.195, 0.205, "", "", "printed numbers", "", np.nan),
            ("P02", "number", "desired", "never", "", "", delta, 0.0313, 0.22, 0.1, np.nan, np.nan, "", "", "printed numbers", "", np.nan),
            ("C02", "order", "desired", "almost_daily", "age_group", "age_group=50-64 minus age_group=18-34", delta, low, high, 0.001, np.nan, np.nan, "P02" if last else "", "undetermined", "printed numbers", "undetermined", np.nan),
            ("C05", "ratio", "autonomy_direction", "negative over positive", "household", "household=single", delta, 0.2, np.inf, 1.0, np.nan, np.nan, "", "undetermined", "printed numbers", "undetermined", np.nan),
            ("C03", "all", "", "", "", "", delta, np.nan, np.nan, np.nan, np.nan, np.nan, "", "survives any adjustment", "printed numbers", "survives any adjustment", np.nan),
        ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(BOUNDS_COLUMNS))
    worded = table[table["id"] == "C02"].assign(
        lower=table["lower"] / 2, assumed=WORDS, raw="assumed", verdict="can be reversed", reversed_from=0.035
    )
    table = pd.concat([table, worded], ignore_index=True)
    table.insert(0, "model", "")
    return table


def _precision(comparison: pd.DataFrame) -> pd.DataFrame:
    rows = comparison[comparison["estimand"] == "overall"]
    table = rows[["model", "by", "group", "outcome", "category", "n"]].assign(
        n_effective=301.5, width=0.055, relative_width=0.4, status="present", reason=""
    )
    poor = table["category"] == "never"
    table.loc[poor, ["n_effective", "width", "status", "reason"]] = [
        21.5,
        0.31,
        "imprecise",
        "fewer than 30 respondents",
    ]
    return table.reset_index(drop=True)


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


PACKED = re.compile(r'<script type="text/plain" id="packed">([^<]*)</script>')


@pytest.fixture(scope="session")
def carried() -> Callable[[str], Any]:
    """What a page carries compressed."""

    def held(page: str) -> Any:
        found = PACKED.search(page)
        assert found is not None
        return unpacked(found[1])

    return held


@pytest.fixture(scope="session")
def whole(carried: Callable[[str], Any]) -> Callable[[str], str]:
    """The markup of a page with every part in its place, as its script makes it."""

    def filled(page: str) -> str:
        parts = carried(page)["parts"]
        return re.sub(r'<div data-part="(\d+)"></div>', lambda place: parts[int(place[1])], PACKED.sub("", page))

    return filled


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
        """Wait until what a click asked for is drawn: events that a click leaves behind come before the next frame."""
        self.tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        self.tab.wait_for_selector("body[data-ready=yes]", timeout=30_000)

    def state(self, *parts: str) -> None:
        """Wait until the address holds exactly these parts; the browser tells of an address a moment after the page wrote it."""
        self.tab.wait_for_url(
            lambda url: set(filter(None, url.partition("#")[2].split("&"))) == set(parts), timeout=30_000
        )

    def serious_violations(self) -> dict[str, list[str]]:
        """The rules of accessibility that the page breaks seriously, with the first places."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.tab, options={"resultTypes": ["violations"]}).response["violations"]
        return {
            one["id"]: [node["html"][:160] for node in one["nodes"][:3]]
            for one in found
            if one["impact"] in ("serious", "critical")
        }


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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the demo, made now."""
    folder = tmp_path_factory.mktemp("demo")
    quota_respondents(1).to_csv(folder / "wwm21-synthetic.csv", index=False)
    run_study(bundled_study("wwm21"), data=folder / "wwm21-synthetic.csv", out=folder / "run")
    return folder / "run"


@pytest.fixture(name="write")
def _write() -> Callable[[Results, Path], Path]:
    return written
