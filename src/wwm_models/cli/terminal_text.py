"""Plain text for a terminal or a pipe: tables, what `wwm check` found, and how far a run is.

`checked_text` says file, rows, weights, answers, missing values, and what each model would leave out. `report_progress` is what a run tells
the person who waits: a bar on a terminal, plain lines elsewhere.
"""

from __future__ import annotations

import math
import sys
import textwrap
import threading
import time
from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article
from wwm_models.claims.claimed_quantities import rules_text
from wwm_models.claims.contradictions import contradictions
from wwm_models.cli.main import escaped, terminal
from wwm_models.likelihood.multistage import number_of_units
from wwm_models.messages import sentence
from wwm_models.report.ledger import ClaimLine, Ledger
from wwm_models.report.text import texts
from wwm_models.study.fits import Progress
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.preparation import Checked
from wwm_models.survey.columns import several
from wwm_models.survey.survey import Survey

WIDTH = 118


def comparison_text(table: pd.DataFrame) -> str:
    """Raw, adjusted and published percentages, model by model."""
    blocks: list[str] = []
    for (model, estimand), rows in table.groupby(["model", "estimand"], sort=False):
        lines = [f"{model} ({estimand}), percent; data: {rows['data'].iloc[0]}"]
        lines.append(
            f"{'group':<38} {'answer':<24} {'printed':>8} {'raw':>7} {'adjusted':>9}  {'95% interval':<15} {'n':>6}"
        )
        lines += [_comparison_line(row) for row in rows.to_dict(orient="records")]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _comparison_line(row: Mapping[Hashable, Any]) -> str:
    low, high = _percent(row["adjusted_likelihood_lower"]), _percent(row["adjusted_likelihood_upper"])
    group = str(row["group"]) if isinstance(row["group"], str) else "everyone"
    n = row["n"]
    return (
        f"{group[:38]:<38} {str(row['category'])[:24]:<24} {_percent(row['published'], 0):>8} {_percent(row['raw']):>7} "
        f"{_percent(row['adjusted_likelihood']):>9}  {f'{low} to {high}':<15} {'' if pd.isna(n) else f'{n:.0f}':>6}"
    )


def _percent(value: object, digits: int = 1) -> str:
    number = float(str(value))
    return "-" if pd.isna(number) else f"{100 * number:.{digits}f}"


def claims_text(ledger: Ledger, kinds: Iterable[str], lang: str = "en", level: float = 0.95) -> str:
    """Every claim with its verdicts, what had to be true, the numbers behind them, and the rules.

    Parameters
    ----------
    ledger : Ledger
    kinds : iterable of str
        Of the claims, for the rules.
    lang : str
    level : float
        Of the run's intervals.
    """
    words, lines = texts(lang), list[str]()
    for claim in ledger.lines:
        lines.append(_verdicts(claim, words, lang))
        lines += _wrapped(claim.statement.of(lang), "     ")
        for at, rule in enumerate(claim.rule):
            lines += _wrapped(("" if at else f"{words['claim_rule']}: ") + rule.of(lang), "     = ")
        lines += _wrapped(claim.reason.of(lang), "     > ")
    if ledger.lines:
        lines += ["", words["rule"]]
        lines += [part for rule in rules_text(kinds, lang, level) for part in _wrapped(rule, "  - ")]
    counts = ", ".join(f"{count} {verdict.label.of(lang)}" for verdict, count in ledger.tally)
    number = "statement" if len(ledger.lines) == 1 else "statements"
    lines.append(f"{len(ledger.lines)} {words[number]}: {counts}")
    return "\n".join(lines)


def _verdicts(claim: ClaimLine, words: Mapping[str, str], lang: str) -> str:
    """The first line of a claim."""
    shown = [] if claim.published is None else [f"{words['published']}: {claim.published.written(lang)}"]
    shown += [
        f"{words[name]}: {verdict.label.of(lang)}"
        for name, verdict in (("raw", claim.raw), ("adjusted", claim.likelihood))
        if verdict.word
    ]
    shown += (
        [] if math.isnan(claim.bayes.value) else [f"{words['column_bayes_probability']}: {claim.bayes.written(lang)}"]
    )
    return f"{claim.id}  {claim.verdict.label.of(lang).upper()}" + (f" ({', '.join(shown)})" if shown else "")


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))


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
        lines += _wrapped_under(f"counted in place: {len(found.survey):,} ways of answering")
    if found.unused:
        lines += _wrapped_under(
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
    lines += [line for warning in survey.warnings for line in _wrapped_under(f"LOOK: {warning}")]
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
    """One block per variable: a title line, its answers with count, weighted share and what the file has; its missing values by reason."""
    which = "Variables that the models ask for, in the domain" if found.in_place else "Variables in the domain"
    lines = [which, f"  {'':<44} {'count':>7} {'weighted %':>11}{'' if found.in_place else '  in the file'}"]
    for name, rows in found.overview.answers.groupby("variable", sort=False):
        variable = found.survey.variables.get(str(name))
        missing = found.overview.missing[found.overview.missing["variable"] == name]
        lines.append(f"  {name}{f' ({variable.kind}): {variable.en}' if variable else ''}")
        lines += [_answer(row, found) for row in rows.to_dict(orient="records")]
        lines += [
            _with_contents(
                f"    {'missing: ' + str(row['reason']):<42.42} {row['count']:>7} {'':>11}", row["reason"], name, found
            )
            for row in missing.to_dict(orient="records")
        ]
    few = found.survey.suppress_below
    lines += [f"  (<{few}: fewer than {few} respondents; their number is not shown)"] if few else []
    doubtful = [f"{name} = {answer}" for (name, answer), text in found.contents.items() if ' ? "' in text]
    lines += textwrap.wrap(
        f"LOOK: the labels marked ? are no name of the answer they are read as: {', '.join(doubtful)}. See that each is read rightly; if so, write "
        "it as `text` of its level.",
        WIDTH, initial_indent="  ", subsequent_indent="    ",
    ) if doubtful else []  # fmt: skip
    return [*lines, ""]


def _answer(row: Mapping[Hashable, Any], found: Checked) -> str:
    share, count, few = float(str(row["share"])), int(str(row["count"])), found.survey.suppress_below
    small = 0 < count < few
    shown = "" if pd.isna(share) or small else f"{100 * share:.1f}"
    line = f"    {row['answer']!s:<42.42} {f'<{few}' if small else count:>7} {shown:>11}"
    return _with_contents(line, row["answer"], row["variable"], found)


def _with_contents(line: str, answer: object, name: object, found: Checked) -> str:
    """A line with the values and labels of the file that are read as an answer or as missing."""
    text = found.contents.get((str(name), str(answer)), "")
    return f"{line}  {textwrap.shorten(text, WIDTH - len(line) - 2, placeholder=' ...')}".rstrip()


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
    lines += ["", f"Claims   {len(article.claims)}; printed numbers: {printed}"]
    return [*lines, *_without_value(article), *_contradictions(article)]


def _without_value(article: Article) -> list[str]:
    """The places for printed numbers that have no value yet, by where they are printed, and how to fill them."""
    places: dict[str, list[str]] = {}
    for number in article.published:
        if number.value is None:
            places.setdefault(number.where or "elsewhere", []).append(number.id)
    if not places:
        return []
    first = next(iter(places.values()))[0]
    lines = [f"         without a value yet: {sum(map(len, places.values()))}, which only a figure's image shows"]
    for where, ids in places.items():
        lines += textwrap.wrap(f"{where}: {', '.join(ids)}", WIDTH, initial_indent=" " * 11, subsequent_indent=" " * 13)
    return lines + _wrapped_under(
        f"To use one, add `value = 41` (percent) to its line in article.toml, such as that of {first}, and run again: verdicts, bounds "
        "and the page take it from there."
    )


def _contradictions(article: Article) -> list[str]:
    """Where the article contradicts itself, a line each."""
    told = [
        sentence("articles_impossible", one=one)
        if one == other
        else sentence("articles_contradiction", one=one, other=other)
        for one, other in contradictions(article)
    ]
    return [line for text in told for line in textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")]


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


def _wrapped_under(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9)


SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def report_progress() -> Generator[Progress]:
    """Give the function that a run tells its progress."""
    if sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        with _lines() as tell:
            yield tell


@contextmanager
def _bar() -> Generator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(file=terminal()), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=escape(escaped(what)), completed=done, total=total)

        yield tell


@contextmanager
def _lines(seconds: float = SECONDS_BETWEEN_LINES) -> Generator[Progress]:
    """First and last step, and in between a line every ten seconds, also while nothing is finished."""
    started, last = time.monotonic(), [-seconds]
    latest = [("starting", 0, 0)]
    over = threading.Event()

    def show() -> None:
        what, done, total = latest[0]
        last[0] = time.monotonic()
        print(f"[{done}/{total}] {what} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)

    def tell(what: str, done: int, total: int) -> None:
        latest[0] = (what, done, total)
        if done in (0, total) or time.monotonic() - last[0] >= seconds:
            show()

    def repeat() -> None:
        while not over.wait(seconds / 10.0):
            if time.monotonic() - last[0] >= seconds:
                show()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
        thread.join()
