"""estimands.csv: what every adjusted number is of, for machines and in a sentence of either language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from wwm_models.records import Survey
from wwm_models.study.models import ModelResult

COLUMNS = ("estimand", "by", "exposure", "adjusters", "population", "averaging", "text", "nl", "en")


def estimands_table(survey: Survey, results: Sequence[ModelResult]) -> pd.DataFrame:
    """One row per model, estimand and set of by-variables.

    Parameters
    ----------
    survey : Survey
        Gives the labels of the variables.
    results : sequence of ModelResult
    """
    labels = {lang: _labels(survey, lang) for lang in ("nl", "en")}
    rows: list[dict[str, str]] = []
    for result in results:
        for label, found in result.estimates:
            for own in found.estimands:
                row = {
                    "model": result.name, "estimand": label, "by": ";".join(found.by), "exposure": ";".join(own.exposure),
                    "adjusters": ";".join(own.adjusters), "population": own.population, "averaging": own.averaging, "text": own.text,
                    **{lang: own.sentence(lang, names) for lang, names in labels.items()},
                }  # fmt: skip
                if row not in rows:
                    rows.append(row)
    return pd.DataFrame(rows, columns=pd.Index(["model", *COLUMNS]))


def _labels(survey: Survey, lang: str) -> Mapping[str, str]:
    found = {name: variable.nl if lang == "nl" else variable.en for name, variable in survey.variables.items()}
    return {name: label for name, label in found.items() if label}
