"""The door: a table, a codebook and some variables to a survey whose rows stand for respondents who answered alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.records.sampling import sampling_design
from wwm_models.records.survey import Survey
from wwm_models.records.tally import Tally
from wwm_models.survey.codebook import Codebook, FromColumn
from wwm_models.survey.declarations import read_codebook
from wwm_models.survey.domain import accounting_of, ways_out
from wwm_models.survey.doubts import refuse_dominant, unequal_weights
from wwm_models.survey.inplace.compiled import compiled, needed
from wwm_models.survey.inplace.contents import Contents, contents_of
from wwm_models.survey.inplace.grouped import Groups, group, way_out
from wwm_models.survey.inplace.looked import Table, look
from wwm_models.survey.inplace.weighed import spread_of, weight_of
from wwm_models.survey.places import Place, is_address, opened
from wwm_models.survey.raw import RawColumn, RawFile, column_named
from wwm_models.survey.readers.unpacked import hash_of
from wwm_models.survey.recode import column_of_variable

_TEXT: Final = (".csv", ".tsv", ".txt")


def read_counts(data: str | Path, codebook: str | Path, variables: Sequence[str]) -> Survey:
    r"""Count the respondents of a table by some variables where the table lies, without reading them.

    Parameters
    ----------
    data : str or Path
        A connection string, ``engine://where#table``; or a parquet, DuckDB or delimited text file of any size, a folder of parquet
        files, or a pattern such as ``answers/*.parquet``.
    codebook : str or Path
        The TOML file that says what the columns mean.
    variables : sequence of str
        Those of a model: its outcome, its predictors, and whatever estimates will be by. The fewer, the smaller the result.

    Returns
    -------
    Survey
        One row per way of answering these, inside each stratum and sampling unit; ``tally`` says how many respondents it stands
        for. Fits, raw and adjusted numbers and their standard errors are those of the respondents themselves; what needs them one
        by one (imputation, raking, residuals) is refused.

    Raises
    ------
    DeclarationError
        If the codebook says something that is not in its schema.
    SurveyError
        If the table cannot be read, does not agree with the codebook, or there are too many ways of answering.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "data.csv").write_text("answer\nyes\nno\nyes\n", encoding="utf-8")
    >>> _ = (folder / "codebook.toml").write_text(
    ...     '[variables.reply]\ncolumn = "answer"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    ... )
    >>> survey = read_counts(folder / "data.csv", folder / "codebook.toml", ["reply"])
    >>> survey.frame["reply"].tolist(), survey.counts.tolist()
    (['no', 'yes'], [1.0, 2.0])
    """
    return counts_of(data, read_codebook(codebook), variables)


def counts_of(data: str | Path, declared: Codebook, variables: Sequence[str]) -> Survey:
    """Give the counted survey of a table, by a codebook that was read; see `read_counts`."""
    known = list(declared.variables)
    for name in variables:
        if name not in known:
            raise SurveyError(
                f'{declared.path}: "{name}" is not a declared variable. Declared: {listed(known, most=40)}.{did_you_mean(name, known)}'
            )
    sha256 = _locked(data, declared)
    with opened(data, declared.source) as place:
        table = _table(place, declared, variables, data)
        synthetic = look(table)
        weight, without = weight_of(table)
        way = way_out(table, without)
        groups = group(table, list(dict.fromkeys(variables)), weight, way)
        accounting = accounting_of(
            np.bincount(groups.way, groups.rows, minlength=len(ways_out(declared)) + 1).astype(np.intp), declared
        )
        spread = spread_of(table, weight, way, groups)
        refuse_dominant(spread, place.shown, declared)
        try:
            warnings = unequal_weights(spread, declared)
            return _survey(groups, declared, accounting, warnings, sha256 or groups.sha256, synthetic=synthetic)
        except SurveyError as problem:  # of the design
            raise SurveyError(f"{place.shown}: {problem}") from None


def _locked(data: str | Path, codebook: Codebook) -> str:
    """The hash of the file, if it is a single one; where the codebook is locked to a file, of that one."""
    locked = codebook.source.sha256
    found = "" if is_address(data) or not Path(data).is_file() else hash_of(Path(data))
    if locked and found != locked.lower():
        raise SurveyError(
            f"{data}: {'the file has SHA-256 ' + found if found else 'this is no single file with a SHA-256'}, the codebook is locked to "
            f"{locked}. Expected the file the codebook was made for. Give that file, or a codebook without `sha256`."
        )
    return found


def header_of(data: str | Path, codebook: Codebook) -> RawFile:
    """Give the columns of a table without their rows."""
    with opened(data, codebook.source) as place:
        return _header(place)


def _header(place: Place) -> RawFile:
    nobody = np.zeros(0, dtype=np.intp)
    return RawFile(place.shown, tuple(RawColumn(name, (), nobody) for name in place.headers), 0, "")


def _table(place: Place, codebook: Codebook, variables: Sequence[str], data: str | Path) -> Table:
    items, sampling, file = needed(codebook, variables), codebook.sampling, _header(place)
    own = dict(zip(file.columns, place.table.columns, strict=True))
    names = {
        item.variable.name: own[column_of_variable(item.source, file, codebook.where(item.variable.name))]
        for item in items
        if isinstance(item.source, FromColumn)
    }
    asked = {codebook.source.id: "[source], `id`", sampling.weight: "[survey], `weight`"}
    asked |= dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc), "[survey]")
    others = {name: own[column_named(file, name, f"{codebook.path}, {where}")] for name, where in asked.items() if name}
    decimal = codebook.source.decimal if Path(data).suffix.lower() in _TEXT else "."

    def contents(rows: Any, variable: str) -> Contents:
        name = names[variable]
        return contents_of(rows[name], decimal, f'{place.shown}: column "{name}"', nan=place.nan)

    rows, done = compiled(items, place.table, contents)
    return Table(place, codebook, items, rows, names, done, others, decimal)


def _survey(
    groups: Groups, codebook: Codebook, accounting: pd.DataFrame, warnings: tuple[str, ...], sha256: str, *, synthetic: bool
) -> Survey:  # fmt: skip
    sampling, done = codebook.sampling, groups.done
    effective = np.divide(groups.weight**2, groups.squares, out=groups.rows.copy(), where=groups.squares > 0)
    tally = Tally(groups.rows, effective)
    return Survey(
        frame=pd.DataFrame({name: made.column() for name, made in done.items()}),
        weights=groups.weight,
        weight_kind=sampling.weight_kind,
        design=sampling_design(groups.units, sampling.strata, sampling.psu, sampling.fpc, sampling.lonely, tally),
        domain=groups.way == 0,
        accounting=accounting,
        variables={name: made.variable for name, made in done.items()},
        collapses={name: part for name, part in codebook.collapses.items() if part.variable in done},
        missing={name: made.reasons for name, made in done.items()},
        title=codebook.source.title,
        synthetic=synthetic,
        suppress_below=sampling.suppress_below,
        warnings=warnings,
        suppress_counts=sampling.suppress_counts,
        sha256=sha256,
        tally=tally,
    )
