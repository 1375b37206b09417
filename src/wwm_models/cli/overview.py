"""What `wwm check` prints: file, rows, weights, answers, missing values, and what each model would leave out."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from wwm_models.declared.models import ModelSpec
from wwm_models.engines.stages import number_of_units
from wwm_models.records import Survey
from wwm_models.study.check import Checked
from wwm_models.survey.raw import several

WIDTH = 118
_FEWEST_CODES: Final = 3  # one slope says all there is to say of two values
_MOST_CODES: Final = 10
_WHOLE: Final = 999.5  # from here on three digits would be fewer than stand before the decimal point


def checked_text(found: Checked) -> str:
    """The whole overview as plain text."""
    name = found.declared.name if found.declared else found.data
    kind = "SYNTHETIC respondents" if found.survey.synthetic else "real data"
    parts = [f"{found.survey.title or name} ({kind})", *_file(found), "", *_rows(found), "", *_weights(found), ""]
    parts += [*_variables(found), *_models(found)]
    return "\n".join(parts)


def _file(found: Checked) -> list[str]:
    lock = (
        "locked by its SHA-256"
        if found.locked
        else "not locked: `wwm codebook lock` makes the codebook accept this file only"
    )
    lines = [f"File     {found.data}: {found.size}; {lock}"]
    if found.in_place:
        lines += _wrapped(f"counted where it lies: {len(found.survey):,} ways of answering")
    if found.unused:
        lines += _wrapped(
            f"{several(len(found.unused), 'column')} that the codebook does not name: {', '.join(found.unused)}"
        )
    return lines


def _rows(found: Checked) -> list[str]:
    return [
        "Rows",
        *(f"  {row['rows']:>7}  {row['reason']}" for row in found.overview.accounting.to_dict(orient="records")),
    ]


def _weights(found: Checked) -> list[str]:
    weights, survey = found.overview.weights.iloc[0], found.survey
    mean = weights["mean"]
    if survey.weight_kind == "none":
        lines = ["Weights  none: every respondent counts once"]
    else:
        span = (
            f"mean {readable(mean)}"
            if np.isnan(weights["minimum"])
            else f"{readable(weights['minimum'])} to {readable(weights['maximum'])}, mean {readable(mean)} (largest "
            f"{weights['maximum'] / mean:.1f} times the mean)"
        )
        lines = [
            f"Weights  {survey.weight_kind}: {span}, {weights['zero']:.0f} zero",
            f"         design effect {weights['design_effect']:.2f}: {weights['n']:.0f} respondents tell as much as "
            f"{weights['n_effective']:.0f} of equal weight",
        ]
    lines += [line for warning in survey.warnings for line in _wrapped(f"LOOK: {warning}")]
    return [*lines, f"Design   {_design(survey)}"]


def readable(number: float) -> str:
    """Write a weight of any size without powers of ten: three digits, or whole where it is large.

    Examples
    --------
    >>> readable(0.41234), readable(1.0), readable(2013.4), readable(0.00031)
    ('0.412', '1', '2,013', '0.00031')
    """
    if abs(number) >= _WHOLE:
        return f"{number:,.0f}"
    return np.format_float_positional(number, precision=3, unique=False, fractional=False, trim="-")


def _design(survey: Survey) -> str:
    if survey.design is None:
        return "none: no strata or sampling units are declared"
    strata = survey.design.strata[:, 0]
    stages = survey.design.psu.shape[1]
    units = f"{number_of_units(survey.design):,}"
    return f"{units} sampling units in {len(set(strata.tolist()))} strata, {stages} stage{'s' * (stages > 1)}"


def _variables(found: Checked) -> list[str]:
    """One block per variable: a title line, its answers with count and weighted share, its missing values by reason."""
    which = "Variables that the models ask for, in the domain" if found.in_place else "Variables in the domain"
    lines = [which, f"  {'':<44} {'count':>7} {'weighted %':>11}"]
    for name, rows in found.overview.answers.groupby("variable", sort=False):
        variable = found.survey.variables.get(str(name))
        missing = found.overview.missing[found.overview.missing["variable"] == name]
        lines.append(f"  {name}{f' ({variable.kind}): {variable.en}' if variable else ''}")
        lines += [_answer(row, found.survey.suppress_below) for row in rows.to_dict(orient="records")]
        lines += [
            f"    {'missing: ' + str(row['reason']):<42} {row['count']:>7}" for row in missing.to_dict(orient="records")
        ]
    few = found.survey.suppress_below
    return [*lines, f"  (* fewer than {few} respondents)", ""] if few else [*lines, ""]


def _answer(row: Mapping[Hashable, Any], few: int) -> str:
    share, count = float(str(row["share"])), int(str(row["count"]))
    mark = "*" if count < few else " "
    shown = "" if pd.isna(share) else f"{100 * share:.1f}"
    return f"    {row['answer']!s:<42.42} {count:>7} {shown:>11}{mark}".rstrip()


def _models(found: Checked) -> list[str]:
    if found.declared is None:
        return [
            "Models   none in this folder yet: add a model file, such as desired.toml with outcome, family and exposures"
        ]
    lines = ["Models: rows used and left out (of the domain)"]
    alike: dict[tuple[str, tuple[tuple[str, int], ...]], list[str]] = {}
    fitted = found.models[~found.models["reason"].isin(list(found.unfit))]
    for (model, fit), rows in fitted.groupby(["model", "fit"], sort=False):
        told = tuple(zip(rows["reason"].astype(str), rows["rows"].astype(int), strict=True))
        alike.setdefault((str(fit), told), []).append(str(model))
    for (fit, told), models in alike.items():
        used = sum(count for reason, count in told if reason == "used")
        lines += textwrap.wrap(
            f"{used} rows: {', '.join(models)} ({fit})", WIDTH, initial_indent="  ", subsequent_indent="    "
        )
        lines += [f"    {count:>7}  {reason}" for reason, count in told if reason != "used"]
    for reason, fits in found.unfit.items():
        lines += textwrap.wrap(
            f"NOT USABLE: {', '.join(fits)} {reason}", WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    for model, reason in found.withheld.items():
        lines += textwrap.wrap(f"WITHHELD: {model}: {reason}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    lines += _straight(found.declared.models, found.survey)
    article = found.declared.article
    printed = sum(number.value is not None for number in article.published)
    return [*lines, "", f"Claims   {len(article.claims)}; printed numbers: {printed}"]


def _straight(models: Sequence[ModelSpec], survey: Survey) -> list[str]:
    """Warn of numbers that look like codes of answers, since a model has one slope for them."""
    named: dict[str, list[str]] = {}
    for spec in models:
        for name in (*spec.exposures, *spec.adjusters):
            if name not in spec.terms:
                named.setdefault(name, []).append(spec.name)
    lines: list[str] = []
    for name, where in named.items():
        variable = survey.variables.get(name)
        if variable is None or variable.kind != "number":
            continue
        values = survey.frame[name][survey.domain].dropna().unique()
        if _FEWEST_CODES <= len(values) <= _MOST_CODES and np.all(np.mod(values, 1.0) == 0.0):
            lines += textwrap.wrap(
                f"LOOK: {name} is a number with {len(values)} values: fitted as one slope ({', '.join(where)}). If they are codes of answers, "
                "declare levels in the codebook.",
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
            )
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9)
