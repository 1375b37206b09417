"""Small articles about one question, two ages and two households."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.identification.joint_table import Margins

AGES, HOMES = ("young", "old"), ("alone", "together")


def _place(category: str = "yes", outcome: str = "wish", **group: str) -> Reference:
    return Reference(outcome, category, tuple(group.items()))


def _printed(name: str, value: float | None, at: Reference, rounding: str = "integer") -> Published:
    return Published(name, at, value, rounding, "text")


def _margins(table: list[list[float]] | None = None, answers: tuple[str, ...] = ("no", "yes")) -> Margins:
    frame = pd.DataFrame(table or [[0.3, 0.2], [0.1, 0.4]], index=list(AGES), columns=list(HOMES))
    known = {"wish": answers, "before": answers, "age": AGES, "home": HOMES}
    return Margins("age", "home", frame, answers=known, collapses={"wish": {"some": answers[1:]}})


def _order(name: str, greater: Reference, lesser: Reference, margin: float = 0.0) -> Claim:
    return Claim(name, "order", references={"greater": greater, "lesser": lesser}, numbers={"margin": margin})


def _article(*items: Published | Claim, **n: int) -> Article:
    return Article(
        n=n,
        published=tuple(item for item in items if isinstance(item, Published)),
        claims=tuple(item for item in items if isinstance(item, Claim)),
    )


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Functions that make references, printed numbers, margins, order claims and articles."""
    return SimpleNamespace(place=_place, printed=_printed, margins=_margins, order=_order, article=_article)
