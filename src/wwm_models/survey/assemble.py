"""The line of this folder: data file and codebook to a survey."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.records.doubts import spread_of
from wwm_models.records.naming import as_read
from wwm_models.records.survey import Survey, identity_of
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.declarations import read_codebook
from wwm_models.survey.domain import domain_of
from wwm_models.survey.doubts import refuse_dominant, unequal_weights
from wwm_models.survey.raw import RawFile, column_named, several
from wwm_models.survey.readers import read_file
from wwm_models.survey.recode import contradictions, recode
from wwm_models.survey.weighting import design_of, weights_of

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
