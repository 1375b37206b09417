"""Several completed copies of a survey, with what was completed and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from wwm_models.records.survey import Survey


@dataclass(frozen=True, eq=False)
class Imputations:
    """m surveys that differ only in the answers that were missing.

    Attributes
    ----------
    surveys : tuple of Survey
    variables : tuple of str
        Those that were completed; empty where nothing was missing.
    counts : DataFrame
        ``variable``, ``reason``, ``rows``: missing answers of the domain that were drawn; reason "left missing" counts rows whose
        predictors are missing too.
    trace : DataFrame
        ``variable``, ``imputation``, ``round``, ``mean``: mean place of the drawn answers, to look for trends over the rounds.
    rounds, seed : int
    delta : mapping
        The shifts by which drawn answers depart from what is missing at random; empty for none.
    """

    surveys: tuple[Survey, ...]
    variables: tuple[str, ...]
    counts: pd.DataFrame
    trace: pd.DataFrame
    rounds: int
    seed: int
    delta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.surveys)

    def __iter__(self) -> Iterator[Survey]:
        return iter(self.surveys)
