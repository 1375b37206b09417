"""Population margins: read from TOML or csv, checked against each other, coded on the respondents, and why they cannot be met.

A margin is a variable, or several joined by colons ("age_group:gender") whose levels are joined the same way ("18-34:man").
Values are counts of one population; or, where the file states its ``size``, shares of it.

`conflict` finds the nearest that any weights could come, by a linear programme over the patterns of respondents. With W_c the weight of pattern
c, a raked weight is x_c in [L W_c, U W_c] (0 to infinity without bounds). The programme minimises the total of the shares of each level that
stay unmet; where it is zero the margins agree and only the rounds were too few, or a pattern would need a weight of zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.frames import as_read, refuse_alike, refuse_kind
from wwm_models.survey.sampling_design import column_of
from wwm_models.survey.survey import Survey
from wwm_models.toml_tables import check_keys, read_toml

Margins = Mapping[str, Mapping[str, float]]
JOINED: Final = ":"
_ROUNDED: Final = 0.01  # printed shares may miss one by this much


def read_weighting_margins(path: str | Path) -> dict[str, dict[str, float]]:
    r"""Give population margins from a file.

    Parameters
    ----------
    path : str or Path
        TOML with tables ``[margins.NAME]`` of ``"level" = count`` (and perhaps ``[population] size``, then the values are
        shares), or csv with the columns ``variable``, ``level`` and ``count``.

    Returns
    -------
    dict of variable to dict of level to population count

    Raises
    ------
    SurveyError, DeclarationError
        If the file is neither, or holds no margin.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "margins.csv"
    >>> _ = path.write_text("variable,level,count\ngender,man,40\ngender,woman,60\n")
    >>> read_weighting_margins(path)
    {'gender': {'man': 40.0, 'woman': 60.0}}
    """
    path = Path(path)
    if path.suffix.lower() == ".toml":
        table = read_toml(path)
        check_keys(table, optional=["population", "margins"], where=str(path))
        margins, size = _tables(table, path), _size(table, path)
    else:
        margins, size = _rows(path), 0.0
    if not any(margins.values()):
        raise SurveyError(
            f"{path}: no margin holds a figure. Expected population counts per level, such as `[margins.gender]` with "
            '`"man" = 4210000`. Fill them in from a published table, and name it in [population].'
        )
    made = {name: margin for name, margin in margins.items() if margin}
    return {name: _of_size(margin, size, f"{path}, {name}") for name, margin in made.items()}


def coded(survey: Survey, margins: Margins) -> tuple[dict[str, Codes], dict[str, Array]]:
    """Give each respondent's level in every margin, and the counts to reach.

    Raises
    ------
    SurveyError
        If the margins are of different populations, do not cover the sample, or ask for people where there are none.
    """
    if not margins:
        raise SurveyError("There are no margins. Expected at least one variable with population counts. Give them.")
    for name, margin in margins.items():
        _check_counts(name, margin)
    sizes = {name: float(sum(margin.values())) for name, margin in margins.items()}
    if max(sizes.values()) - min(sizes.values()) > 1e-6 * max(sizes.values()):
        raise SurveyError(
            f"The margins add up to different population sizes: {listed(f'{name} {size:g}' for name, size in sizes.items())}. "
            "Give counts of one population; no weights are returned."
        )
    codes = {name: codes_of(survey, name, margin) for name, margin in margins.items()}
    aims = {name: np.array(list(margin.values()), dtype=np.float64) for name, margin in margins.items()}
    for name, margin in margins.items():
        have = np.bincount(codes[name], survey.weights, minlength=len(margin))
        for level, aim, weight in zip(margin, aims[name], have, strict=True):
            if aim > 0 and weight == 0:
                raise SurveyError(
                    f'Margin "{name}", level "{level}": the population has {aim:g}, the sample has {weight:g}. No weight can reach that. '
                    "Merge the level with another; no weights are returned."
                )
    return codes, aims


def codes_of(survey: Survey, name: str, margin: Mapping[str, float]) -> Codes:
    """Give the place of each respondent's level in a margin; every respondent must have one.

    Raises
    ------
    SurveyError
    """
    levels = [as_read(level) for level in margin]
    place = {level: number for number, level in enumerate(levels)}
    text, missing = _joined(survey, name)
    unknown = sorted({str(value) for value in text[~missing].unique()} - set(levels))
    if unknown or missing.any():
        found = f"the level {listed(unknown)}" if unknown else f"{survey.respondents(missing)} missing values"
        raise SurveyError(
            f'Margin "{name}" does not cover {found} of the sample. Its levels: {listed(levels, 20)}.'
            f"{did_you_mean(unknown[0], levels) if unknown else ''} Add the level or repair the variable; no weights are returned."
        )
    return np.array([place[value] for value in text], dtype=np.intp)


def _joined(survey: Survey, name: str) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Give the levels of one variable, or of several joined by colons, as text; and which are missing."""
    names = [name] if name in survey.frame.columns else name.split(JOINED)
    columns = [column_of(survey.frame, part) for part in names]
    for part, column in zip(names, columns, strict=True):
        refuse_kind(column, part, "Margin", SurveyError)
        refuse_alike(column.dropna().unique(), part, SurveyError)
    texts = [column.astype(object).map(as_read) for column in columns]
    text = texts[0]
    for other in texts[1:]:
        text = text + JOINED + other
    return text, np.logical_or.reduce([column.isna().to_numpy() for column in columns])


def _check_counts(name: str, margin: Mapping[str, Any]) -> None:
    for level, count in margin.items():
        number = isinstance(count, int | float) and not isinstance(count, bool)
        if not number or not np.isfinite(count) or count < 0:
            raise SurveyError(
                f'Margin "{name}", level "{level}": the population count is {count!r}. Expected a number of zero or more. Repair '
                "it; no weights are returned."
            )
    if not sum(margin.values()) > 0:
        raise SurveyError(
            f'Margin "{name}": the counts add up to nothing. Expected population counts per level. Fill them in; no weights are returned.'
        )


def _tables(table: Mapping[str, Any], path: Path) -> dict[str, dict[str, float]]:
    margins = table.get("margins", {})
    if not isinstance(margins, dict) or not all(
        isinstance(part, dict) for part in cast("dict[str, Any]", margins).values()
    ):
        raise SurveyError(
            f'{path}: `margins` is no table of tables. Expected `[margins.gender]` with `"man" = ...`. Repair it.'
        )
    made = cast("dict[str, dict[str, Any]]", margins)
    for name, margin in made.items():
        for level, figure in margin.items():
            if isinstance(figure, bool) or not isinstance(figure, int | float) or figure < 0:
                raise SurveyError(
                    f"{path}, [margins.{name}]: `{level}` is {figure!r}. Expected a share or a count of 0 or more. Repair it."
                )
    return made


def _size(table: Mapping[str, Any], path: Path) -> float:
    population = table.get("population", {})
    where = f"{path}, [population]"
    if not isinstance(population, dict):
        raise SurveyError(
            f"{path}: `population` is {population!r}. Expected a table, [population], with `size`. Repair it."
        )
    check_keys(population, optional=["source", "date", "size"], where=where)
    for key in ("source", "date"):
        if not isinstance(population.get(key, ""), str):
            raise SurveyError(f"{where}: `{key}` is {population[key]!r}. Expected a text in quotes. Repair it.")
    size = population.get("size", 0)
    if isinstance(size, bool) or not isinstance(size, int | float) or size < 0:
        raise SurveyError(f"{where}: `size` is {size!r}. Expected the number of people. Repair it.")
    return float(size)


def _rows(path: Path) -> dict[str, dict[str, float]]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise SurveyError(
            f"{path}: the margins cannot be read: {problem}. Expected a csv file in UTF-8. Repair it."
        ) from None
    if not rows or not {"variable", "level", "count"} <= {str(name) for name in rows[0]}:
        raise SurveyError(
            f"{path}: no margins found. Expected a csv file with the columns variable, level and count. Add them."
        )
    margins: dict[str, dict[str, float]] = {}
    for place, row in enumerate(rows, start=1):
        try:
            count = float(row["count"] or "")
        except ValueError:
            raise SurveyError(
                f"{path}, row {place}: the count is {row['count']!r}. Expected a number. Repair it."
            ) from None
        margin = margins.setdefault(str(row["variable"]), {})
        if row["level"] in margin:
            raise SurveyError(
                f'{path}, row {place}: "{row["level"]}" stands twice. Expected each level once. Remove one.'
            )
        margin[str(row["level"])] = count
    return margins


def _of_size(margin: Mapping[str, float], size: float, where: str) -> dict[str, float]:
    """Give counts; shares are made to add up to one first."""
    if not size:
        return dict(margin)
    _check_counts(where, margin)
    total = sum(margin.values())
    if abs(total - 1.0) > _ROUNDED:
        raise SurveyError(
            f"{where}: the shares add up to {total:g}. Expected shares of the population `size` that add up to 1. Repair them, or leave "
            "out `size` and give counts."
        )
    return {level: size * share / total for level, share in margin.items()}


_MET: Final = 1e-7  # share of a level that the programme leaves through rounding


def conflict(
    weights: Array,
    codes: Mapping[str, Codes],
    aims: Mapping[str, Array],
    margins: Margins,
    bounds: tuple[float, float] | None,
) -> str:
    """Say which levels cannot be met together, and how near the respondents allow.

    Returns
    -------
    str
        One or two sentences, with what to do.
    """
    from scipy.optimize import linprog  # a quarter of a second that most surveys do not need

    used = weights > 0
    patterns, place = np.unique(np.column_stack(list(codes.values()))[used], axis=0, return_inverse=True)
    sums = np.bincount(place.ravel(), weights[used], minlength=len(patterns))
    rows = np.vstack([np.eye(len(aim))[:, patterns[:, number]] for number, aim in enumerate(aims.values())])
    aim = np.concatenate(list(aims.values()))
    names = [f'margin "{name}", level "{level}"' for name, margin in margins.items() for level in margin]
    low, high = bounds or (0.0, np.inf)
    slack = np.eye(len(aim))
    found: Any = linprog(
        np.concatenate([np.zeros(len(sums)), np.tile(1.0 / np.maximum(aim, 1e-12), 2)]),
        A_eq=np.hstack([rows, slack, -slack]),
        b_eq=aim,
        bounds=[
            *((low * total, high * total if np.isfinite(high) else None) for total in sums),
            *[(0.0, None)] * (2 * len(aim)),
        ],
        method="highs",
    )
    if not found.success:
        return "The margins contradict each other. Merge levels."
    reached = rows @ found.x[: len(sums)]
    short = np.flatnonzero(np.abs(reached - aim) > _MET * np.maximum(aim, 1.0))
    if not len(short):
        return (
            "The margins do agree on the combinations that have respondents, but slowly or only with some weights of zero. Allow more "
            "iterations, or merge levels with few respondents."
        )
    worst = [f"{names[k]} can only reach {reached[k]:g} of {aim[k]:g} when the others are met" for k in short]
    advice = "Merge levels." if bounds is None else "Widen the bounds or merge levels."
    return f"They cannot be met together: {listed(worst, 4)}. {advice}"
