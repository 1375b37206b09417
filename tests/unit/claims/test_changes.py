"""changes.csv: from one question to another by group, paired, for every figure that draws two questions beside each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.claims.article import Article
from wwm_models.claims.changes import CHANGE_COLUMNS, changes_table
from wwm_models.claims.declared_figures import DeclaredFigure
from wwm_models.claims.lookup import pool_of
from wwm_models.claims.verdicts import Sources
from wwm_models.disclosure.suppressed_tables import Withheld, without_withheld
from wwm_models.estimates.change import change_between
from wwm_models.estimates.raw import with_suppressed

FIGURE = DeclaredFigure("figure-3", "paired", ("before", "wanted"), ("home",), ("yes", "yes"))
ARTICLE = Article(figures=(FIGURE, DeclaredFigure("figure-1", "answers", ("wanted",), ("home",))))
MODELS = {"before": "before", "wanted": "wanted"}


def people() -> pd.DataFrame:
    """160 respondents, written out: both answers of the same people."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"home": rng.choice(["single", "couple"], 160), "sex": rng.choice(["f", "m"], 160)})
    before = rng.random(160) < 0.3 + 0.1 * (frame["sex"] == "f")
    wanted = before | (rng.random(160) < 0.2 + 0.3 * (frame["home"] == "couple"))
    for name, yes in (("before", before), ("wanted", wanted)):
        frame[name] = pd.Categorical(np.where(yes, "yes", "no"), ["no", "yes"], ordered=True)
    return frame


def sources(survey: wwm.Survey, hidden: int = 0) -> Sources:
    raws = [with_suppressed(wwm.raw(survey, name, by), hidden) for name in MODELS for by in (None, "home")]
    fits = [wwm.fit(wwm.Model(f"{name} ~ home + sex"), survey) for name in MODELS]
    return Sources(pool_of(raws), pool_of([wwm.adjusted(fit, by) for fit in fits for by in (None, "home")]))


def test_raw_it_is_mcnemars_and_adjusted_that_of_two_models():
    """With b who turn to yes and c away from it, the variance is (b + c - (b - c)^2 / n) / n^2, times N / (N - 1) of the sample."""
    frame = people()
    survey = wwm.Survey.from_frame(frame, weight=None)
    found = changes_table(ARTICLE, {"": sources(survey)}, MODELS, 0.95)
    assert found.columns.tolist() == ["model", *CHANGE_COLUMNS]
    assert found["group"].tolist() == ["", "home=couple", "home=single"]
    assert set(found["model"]) == {"before;wanted"}
    for row, home in zip(found.to_dict("records"), (None, "couple", "single"), strict=True):
        own = frame if home is None else frame[frame["home"] == home]
        n, turned = len(own), ((own["before"] == "no") & (own["wanted"] == "yes")).sum()
        away = ((own["before"] == "yes") & (own["wanted"] == "no")).sum()
        change = (turned - away) / n
        half = 1.959963985 * np.sqrt((turned + away - (turned - away) ** 2 / n) / n**2 * 160 / 159)
        assert [row["raw"], row["raw_lower"], row["raw_upper"], row["n"]] == pytest.approx([change, change - half, change + half, n])  # fmt: skip
    fits = [wwm.fit(wwm.Model(f"{name} ~ home + sex"), survey) for name in MODELS]
    paired = change_between(*(wwm.adjusted(fit, "home") for fit in fits), ("yes", "yes")).table
    expected = paired[paired["category"] == "yes"].set_index("home")
    adjusted = found[found["by"] == "home"].assign(home=["couple", "single"]).set_index("home")
    for name, column in (("adjusted_likelihood", "estimate"), ("adjusted_likelihood_lower", "lower"), ("adjusted_likelihood_upper", "upper")):  # fmt: skip
        assert adjusted[name].to_dict() == pytest.approx(expected[column].to_dict())


def test_a_change_of_a_suppressed_percentage_is_not_told():
    frame = people()
    few = int(frame["home"].value_counts().min())
    found = changes_table(
        ARTICLE, {"": sources(wwm.Survey.from_frame(frame, weight=None), few + 1)}, MODELS, 0.95
    ).set_index("group")
    small = f"home={frame['home'].value_counts().idxmin()}"
    assert np.isnan(found.loc[small, "raw"])
    assert np.isnan(found.loc[small, "n"])
    assert np.isfinite(found.loc["", "raw"])


@pytest.mark.parametrize("silent", ["before", "wanted"])
def test_of_a_model_of_which_nothing_is_said_there_is_no_adjusted_change(silent: str):
    found = changes_table(ARTICLE, {"": sources(wwm.Survey.from_frame(people(), weight=None))}, MODELS, 0.95)
    empty = pd.DataFrame(columns=["model", "outcome", "estimand", "method", "group", "category", "estimate"])
    shown = without_withheld({"changes": found, "adjusted": empty}, Withheld({}), [silent])["changes"]
    assert shown[[name for name in shown if name.startswith("adjusted_")]].isna().all().all()
    assert shown["raw"].notna().all()


def test_an_article_without_such_a_figure_has_none():
    assert changes_table(Article(), {}, MODELS, 0.95).empty
