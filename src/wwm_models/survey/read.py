"""Data file and codebook to a survey: recoded variables, whom the study is about, weights and sampling design.

`recode` makes every declared variable from the columns of the file, in an order in which each can be made of those before it. `domain_of` keeps
the rows that satisfy the universe, and counts every row that does not. `weights_of` and `design_of` read weights and sampling design; weights
that cannot be meant are errors. `read_survey` is the line through all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import first_rows
from wwm_models.errors import SurveyError, listed
from wwm_models.messages import category, listed_as, say, variable
from wwm_models.messages import condition as condition_of
from wwm_models.numerics.arrays import Array, Flags
from wwm_models.survey.cell_meaning import labels_unlike
from wwm_models.survey.codebook import Codebook, Declaration, FromColumn, FromRules, FromVariable, parents_of
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.columns import RawColumn, RawFile, column_at, column_named, number_of, several
from wwm_models.survey.conditions import Condition, SatisfyingRows, names_in, truth_of
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.frames import as_read
from wwm_models.survey.implausible_weights import (
    counted_codes,
    refuse_codes,
    refuse_dominant,
    spread_of,
    unequal_weights,
)
from wwm_models.survey.recode_values import (
    Recoded,
    cut_into_levels,
    is_number,
    recode_answers,
    recode_numbers,
    used_though_missing,
)
from wwm_models.survey.sampling_design import SamplingDesign, sampling_design
from wwm_models.survey.survey import Survey, checked_weights, identity_of

_MOST_SHOWN: Final = 10  # problems of variables in one message


def recode(file: RawFile, codebook: Codebook) -> dict[str, Recoded]:
    """Give every declared variable for every row, in an order in which they can be made.

    Parameters
    ----------
    file : RawFile
    codebook : Codebook

    Raises
    ------
    SurveyError
        If the file and the codebook do not agree.
    """
    done: dict[str, Recoded] = {}
    problems: list[str] = []
    for item in codebook.declarations:
        if any(name not in done for name in parents_of(item)):
            continue  # what it is made of has a problem, which is told once
        try:
            match item.source:
                case FromColumn():
                    made = _from_column(item, item.source, file, codebook.where(item.variable.name))
                case FromRules():
                    made = _from_rules(item, item.source, done, file.rows)
                case FromVariable():
                    made = _from_variable(item, item.source, done[item.source.parent])
        except SurveyError as problem:
            problems.append(str(problem))
            continue
        done[item.variable.name] = made
    if problems:
        raise SurveyError(together(problems))
    return done


def contradictions(file: RawFile, codebook: Codebook) -> tuple[str, ...]:
    """Warn of answers that the file declares missing, variable by variable."""
    found: list[str] = []
    for item in codebook.declarations:
        if isinstance(item.source, FromColumn):
            where = codebook.where(item.variable.name)
            column = column_of_variable(item.source, file, where)
            found += used_though_missing(item, column, file=str(file.path), where=where)
    return tuple(found)


def unlike_labels(file: RawFile, codebook: Codebook) -> tuple[str, ...]:
    """Show labels of the file that are no name of the answer they are read as, variable by variable."""
    found: list[str] = []
    for item, source, column in answer_columns(file, codebook):
        found += labels_unlike(item, source, column, file=str(file.path), where=codebook.where(item.variable.name))
    return tuple(found)


def answer_columns(file: RawFile, codebook: Codebook) -> Iterator[tuple[Declaration, FromColumn, RawColumn]]:
    """Every variable whose answers stand in a column of the file, numbers left out, with that column."""
    for item in codebook.declarations:
        if isinstance(item.source, FromColumn) and not is_number(item, item.source):
            yield item, item.source, column_of_variable(item.source, file, codebook.where(item.variable.name))


def together(problems: list[str]) -> str:
    """Give one problem as it is, several as a numbered list."""
    if len(problems) == 1:
        return problems[0]
    shown = [f"  {place}. {problem}" for place, problem in enumerate(problems[:_MOST_SHOWN], start=1)]
    more = [f"  and {len(problems) - _MOST_SHOWN} more"] if len(problems) > _MOST_SHOWN else []
    return "\n".join([f"{len(problems)} variables and the file do not agree:", *shown, *more])


def holds(condition: Condition, done: Mapping[str, Recoded]) -> SatisfyingRows:
    """Give, for every row, whether a condition on recoded variables holds."""
    variables = {name: made.variable for name, made in done.items()}
    return truth_of(condition, variables, {name: done[name].values for name in names_in(condition)})


def column_of_variable(source: FromColumn, file: RawFile, where: str) -> RawColumn:
    """Give the column a variable is read from."""
    return column_at(file, source.position, where) if source.position else column_named(file, source.column, where)


def _from_column(item: Declaration, source: FromColumn, file: RawFile, where: str) -> Recoded:
    column = column_of_variable(source, file, where)
    reader = recode_numbers if is_number(item, source) else recode_answers
    return reader(item, source, column, file=str(file.path), where=where)


def _from_rules(item: Declaration, source: FromRules, done: Mapping[str, Recoded], rows: int) -> Recoded:
    """Take the first rule that is true, provided all rules before it are false.

    Where a rule before it is unknown (a variable in it is missing), the answer is not known either: to go on to the
    next rule would guess.
    """
    places = {level.id: place for place, level in enumerate(item.variable.levels)}
    values = np.full(rows, np.nan)
    open_rows = np.ones(rows, dtype=bool)  # all rules so far are false
    unknown = np.zeros(rows, dtype=bool)
    for rule in source.rules:
        truth = holds(rule.when, done)
        values[open_rows & truth.yes] = places[rule.id]
        unknown |= open_rows & truth.unknown
        open_rows &= truth.no
    reasons = np.where(open_rows, source.otherwise, "").astype(object)
    reasons[unknown] = _not_known(source, done, unknown)
    return Recoded(item.variable, values, reasons)


def _not_known(source: FromRules, done: Mapping[str, Recoded], rows: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Name the missing variables of these rows, in the order of the rules."""
    names = list(dict.fromkeys(name for rule in source.rules for name in names_in(rule.when)))
    missing = np.column_stack([np.isnan(done[name].values[rows]) for name in names])
    patterns, which = np.unique(missing, axis=0, return_inverse=True)
    texts = [
        say("not_known", condition=listed_as(variable(str(name)) for name in np.array(names)[pattern]))
        for pattern in patterns
    ]
    return np.array(texts, dtype=object)[which.ravel()] if texts else np.array([], dtype=object)


def _from_variable(item: Declaration, source: FromVariable, parent: Recoded) -> Recoded:
    """Merge the answers of another variable, or cut a number into levels."""
    if source.cut is not None:
        return Recoded(item.variable, *cut_into_levels(parent.values, parent.reasons, source.cut))
    merged = {level: place for place, answer in enumerate(item.answers) for level in answer.merges}
    ids = [level.id for level in parent.variable.levels]
    values = np.array([*(float(merged.get(level, np.nan)) for level in ids), np.nan])
    said = [
        say("left_out_answer", answer=category(parent.variable.name, level)) if level in source.drop else ""
        for level in ids
    ]
    left_out = np.array([*said, ""], dtype=object)
    known = ~np.isnan(parent.values)
    index = np.where(known, parent.values, len(ids)).astype(np.intp)
    return Recoded(item.variable, values[index], np.where(known, left_out[index], parent.reasons).astype(object))


def domain_of(codebook: Codebook, done: Mapping[str, Recoded], without_weight: Flags) -> tuple[Flags, pd.DataFrame]:
    """Give the rows of the domain and the accounting.

    Parameters
    ----------
    codebook : Codebook
    done : mapping of name to Recoded
    without_weight : (n,) bool array
        Rows whose weight is a declared missing code.

    Returns
    -------
    domain : (n,) bool array
    accounting : DataFrame
        ``reason`` and ``rows``: the rows in the file; then, in the order of the codebook, the rows each condition
        leaves out of those still there (separately those of whom it is not known), the exclusions, and missing
        weights; last the rows in the domain. The lines between the first and the last add up to their difference.

    Raises
    ------
    SurveyError
        If no row is left.
    """
    way = np.zeros(len(without_weight), dtype=np.intp)
    for number, rows in enumerate(_leaving(codebook, done, without_weight), start=1):
        way[(way == 0) & rows] = number
    return way == 0, accounting_of(np.bincount(way, minlength=len(exclusion_reasons(codebook)) + 1), codebook)


@dataclass(frozen=True)
class ExclusionReason:
    """A reason to leave the domain; `always` says whether it is told even if nobody left for it."""

    reason: str
    always: bool = True


def exclusion_reasons(codebook: Codebook) -> tuple[ExclusionReason, ...]:
    """Give the reasons in the order in which they are asked: a row leaves for the first that holds."""
    conditions = [
        way
        for rule in codebook.universe.all
        for way in (
            ExclusionReason(say("not_true", condition=condition_of(rule.text))),
            ExclusionReason(say("not_known", condition=condition_of(rule.text)), always=False),
        )
    ]
    excluded = [ExclusionReason(part.reason) for part in codebook.universe.exclude]
    return (
        *conditions,
        *excluded,
        ExclusionReason(say("weight_missing", weight=str(codebook.sampling.weight)), always=False),
    )


def accounting_of(counts: Sequence[int] | NDArray[np.intp], codebook: Codebook) -> pd.DataFrame:
    """Give the accounting from the rows that stay (first) and those that leave by each of the `exclusion_reasons`.

    Raises
    ------
    SurveyError
        If nobody stays.
    """
    total = int(sum(counts))
    lines = [
        (way.reason, int(count))
        for way, count in zip(exclusion_reasons(codebook), counts[1:], strict=True)
        if way.always or count
    ]
    if not counts[0]:
        raise SurveyError(_nobody(codebook, lines, total))
    rows = [("rows in the file", total), *lines, ("rows in the domain", int(counts[0]))]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def _leaving(codebook: Codebook, done: Mapping[str, Recoded], without_weight: Flags) -> Iterator[Flags]:
    """The rows for which each of the `exclusion_reasons` holds."""
    for condition in codebook.universe.all:
        truth = holds(condition, done)
        yield truth.no
        yield truth.unknown
    for part in codebook.universe.exclude:
        yield holds(part.when, done).yes
    yield without_weight


def _nobody(codebook: Codebook, lines: list[tuple[str, int]], total: int) -> str:
    counts = "; ".join(f"{reason}: {rows}" for reason, rows in lines)
    return (
        f"{codebook.path}, [universe]: none of the {total} rows is left ({counts}). Expected some respondents whom the "
        "study is about. Repair the condition that leaves out too many."
    )


def weights_of(file: RawFile, codebook: Codebook) -> tuple[Array, Flags]:
    """Give the weights, and the rows whose weight is a declared missing code.

    Parameters
    ----------
    file : RawFile
    codebook : Codebook

    Returns
    -------
    weights : (n,) array
        Ones where there is no weight; zero where the weight is a declared missing code.
    without : (n,) bool array
        Rows to leave out of the domain.

    Raises
    ------
    SurveyError
        If a weight is missing, negative or looks like a missing code, or if all are zero.
    """
    sampling = codebook.sampling
    if not sampling.weight:
        return np.ones(file.rows), np.zeros(file.rows, dtype=bool)
    column = column_named(file, sampling.weight, f"{codebook.path}, [survey], `weight`")
    values = column.numbers()
    without = np.isin(values, sampling.weight_missing_codes)
    wrong = [
        place
        for place, cell in enumerate(column.cells)
        if cell.text and np.isnan(cell.number) and not cell.user_missing
    ]
    refuse_texts(file.path, codebook, [(column.cells[place].text, column.where(place)) for place in wrong])
    try:
        weights = checked_weights(pd.Series(np.where(without, 0.0, values)), sampling.weight, sampling.weight_kind)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None
    if sampling.weight_kind == "sampling" and not sampling.accept_extreme_weights:
        refuse_codes(
            *counted_codes(weights), lambda code: first_rows(np.flatnonzero(weights == code), file.rows), file.path, codebook
        )  # fmt: skip
    return weights, without


def refuse_texts(path: Path | str, codebook: Codebook, texts: Sequence[tuple[str, str]]) -> None:
    """Refuse weights that are texts, and show them.

    Parameters
    ----------
    path, codebook
        For the message.
    texts : sequence of (text, where)
        The distinct ones, and in which rows each stands.
    """
    if not texts:
        return
    commas = all(number_of(text, ",") == number_of(text, ",") for text, _ in texts)
    advice = (
        'Write `decimal = ","` in [source] of the codebook, or save the file with decimal points.'
        if commas
        else "Repair the column: numbers only, without signs or units."
    )
    shown = listed([f'"{text}" in {where}' for text, where in texts])
    raise SurveyError(
        f'{path}: weight "{codebook.sampling.weight}" is {shown}. Expected a number of '
        f"zero or more for every respondent. {advice}"
    )


def design_of(file: RawFile, codebook: Codebook) -> SamplingDesign | None:
    """Give strata and sampling units of all rows of the file; None where nothing is declared."""
    sampling = codebook.sampling
    where = f"{codebook.path}, [survey]"
    names = dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc))
    frame = pd.DataFrame({name: units_of_column(column_named(file, name, where)) for name in names})
    try:
        return sampling_design(frame, sampling.strata, sampling.psu, sampling.fpc, sampling.lonely)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None


def units_of_column(column: RawColumn) -> pd.Series:
    """Give a design column as numbers where all cells are numbers, else as text; empty cells are missing."""
    numbers = column.numbers()
    empty = np.array([not cell.text or cell.user_missing for cell in column.cells])[column.index]
    if not np.isnan(numbers[~empty]).any():
        return pd.Series(numbers)
    texts = np.array([cell.text for cell in column.cells], dtype=object)[column.index]
    texts[empty] = None
    return pd.Series(texts, dtype=object)


MARK: Final = "SYNTHETIC"


def read_survey(data: str | Path, codebook: str | Path) -> Survey:
    r"""Give the recoded respondents of a data file.

    Parameters
    ----------
    data : str or Path
        A file (text with a header, SPSS, Stata, SAS, Excel, parquet, DuckDB; perhaps compressed), or a connection string that
        names a table, ``engine://where#table``.
    codebook : str or Path
        The TOML file that says what the columns mean.

    Returns
    -------
    Survey
        All rows of the file, in file order; ``domain`` marks those the study is about, ``accounting`` counts the others
        by reason, ``missing`` gives the reason of every missing value.

    Raises
    ------
    DeclarationError
        If the codebook says something that is not in its schema.
    SurveyError
        If the file cannot be read or does not agree with the codebook.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "data.csv").write_text("answer\nyes\nno\nyes\n", encoding="utf-8")
    >>> _ = (folder / "codebook.toml").write_text(
    ...     '[variables.reply]\ncolumn = "answer"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    ... )
    >>> read_survey(folder / "data.csv", codebook=folder / "codebook.toml").frame["reply"].tolist()
    ['yes', 'no', 'yes']
    """
    declared = read_codebook(codebook)
    return survey_of(read_file(data, declared.source), declared)


def survey_of(file: RawFile, codebook: Codebook) -> Survey:
    """Give the survey of a file that was read, by a codebook that was read."""
    ids = _checked_ids(file, codebook)
    done = recode(file, codebook)
    weights, without = weights_of(file, codebook)
    domain, accounting = domain_of(codebook, done, without)
    spread = spread_of(weights, domain)
    refuse_dominant(spread, file.path, codebook)
    return Survey(
        frame=pd.DataFrame({name: made.column() for name, made in done.items()}),
        weights=weights,
        weight_kind=codebook.sampling.weight_kind,
        design=design_of(file, codebook),
        domain=domain,
        accounting=accounting,
        variables={name: made.variable for name, made in done.items()},
        collapses=codebook.collapses,
        missing={name: made.reasons for name, made in done.items()},
        title=codebook.source.title,
        synthetic=codebook.source.synthetic or says_synthetic(file),
        suppress_below=codebook.sampling.suppress_below,
        warnings=(*contradictions(file, codebook), *unequal_weights(spread, codebook)),
        suppress_counts=codebook.sampling.suppress_counts,
        sha256=file.sha256,
        identity=identity_of(file.sha256, file.rows),
        ids=ids if codebook.source.panel else None,
    )


def says_synthetic(file: RawFile) -> bool:
    """Say whether the rows call themselves invented, as those of ``wwm simulate`` do in a column of their own."""
    for column in file.columns:
        marked = [place for place, cell in enumerate(column.cells) if cell.text == MARK]
        if marked and len(column.cells) == 1:
            return True
        if marked:
            raise SurveyError(some_synthetic(file.path, column.name, column.where(marked[0])))
    return False


def some_synthetic(path: Path | str, column: str, rows: str) -> str:
    """Say that some rows call themselves invented."""
    return (
        f'{path}: the column "{column}" says {MARK} in {rows} and something else in the others. Expected all '
        "rows or none to be invented. Separate them into two files."
    )


def _checked_ids(file: RawFile, codebook: Codebook) -> NDArray[np.object_] | None:
    """Give the names of respondents, None where nobody declares them; refuse those who occur twice."""
    if not codebook.source.id:
        return None
    column = column_named(file, codebook.source.id, f"{codebook.path}, [source], `id`")
    names = [as_read(cell.text) for cell in column.cells]
    times = Counter(names[place] for place in column.index.tolist())
    empty = [place for place, cell in enumerate(column.cells) if not cell.text]
    if empty:
        raise SurveyError(without_id(file.path, column.name, column.where(empty[0])))
    twice = [f"{name} ({number} times)" for name, number in times.items() if number > 1]
    if twice:
        raise SurveyError(repeated_ids(file.path, column.name, twice, len(twice), file.rows))
    return np.array(names, dtype=object)[column.index]


def without_id(path: Path | str, column: str, rows: str) -> str:
    """Say that respondents have no id."""
    return (
        f'{path}: the id column "{column}" is empty in {rows}. Expected an id for every respondent. Fill the column, '
        "or remove `id` from [source]."
    )


def repeated_ids(path: Path | str, column: str, first: Sequence[str], number: int, rows: int) -> str:
    """Say that `number` ids occur more than once, the `first` of which are named."""
    more = f" and {number - 5} more" if number > 5 else ""
    return (
        f'{path}: the id column "{column}" has {several(number, "id")} in more than one row: '
        f"{', '.join(first[:5])}{more}; the file has {several(rows, 'row')}. Expected one row for every respondent. Remove the "
        "repeated rows, or name another column as `id`."
    )
