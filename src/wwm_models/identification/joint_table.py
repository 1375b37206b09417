"""margins.toml: how the two exposures of an article go together, which the printed percentages do not say.

A table of shares with the reported levels of one exposure as rows and those of the other as columns. Two more things belong
in it because they are in the percentages: the column of those whose other exposure is not known (they count in figures by
the first exposure and in totals), and rows that no figure shows (they count in totals and in figures by the other exposure).
`read_margins` reads it and holds it against the codebook and the article: everything is checked, once, at the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.claims.article import Article
from wwm_models.errors import ArticleError, DeclarationError, did_you_mean, listed
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.survey import Survey
from wwm_models.toml_tables import TomlTable, read_toml

DELTAS = (0.0, 0.02, 0.05, 0.10, 0.20)


@dataclass(frozen=True, eq=False)
class Margins:
    """The declared joint distribution of two exposures, and the answers of the outcomes.

    Attributes
    ----------
    rows, columns : str
        The two exposures.
    table : DataFrame
        Non-negative, any scale; the index holds levels of `rows`, the columns those of `columns`.
    outside : tuple of str
        Rows that no figure by `rows` shows.
    unknown : str
        The column of those whose level is not known; empty without one.
    answers : mapping of outcome to its answers
        In their declared order.
    collapses : mapping of outcome to mapping of name to answers
        Answers that the article reports together, by question.
    status : {"assumption", "measured"}
        Whether the table is assumed or was measured.
    source : str
        Where the table is from.
    unit : {"percent", "respondents"}
        Of the cells of the table.
    base, known : str
        Names of the article's n that everyone, and everyone whose column is known, are counted in.
    deltas : tuple of float
        Limits on the interaction, on the probability scale, at which bounds are made besides the unlimited ones.
    without : tuple of str
        Claims whose sentences are not assumed where bounds use the article's words.
    """

    rows: str
    columns: str
    table: pd.DataFrame
    outside: tuple[str, ...] = ()
    unknown: str = ""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    collapses: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))
    status: str = "assumption"
    source: str = ""
    unit: str = "percent"
    base: str = ""
    known: str = ""
    deltas: tuple[float, ...] = DELTAS
    without: tuple[str, ...] = ()

    def levels(self, name: str) -> list[str]:
        """The reported levels of one of the two exposures."""
        if name == self.rows:
            return [str(level) for level in self.table.index if level not in self.outside]
        return [str(level) for level in self.table.columns if level != self.unknown]

    @property
    def label(self) -> str:
        """What the bounds rest on, in a phrase."""
        what = "ASSUMPTION TO REPLACE" if self.status == "assumption" else "measured"
        return f"{self.rows} x {self.columns}: {what}{f' ({self.source})' if self.source else ''}"


HOW = """Write margins.toml in the study folder, or give --margins FILE, with the weighted share of everyone in each cell:

    [margins]
    rows = "age_group"            # one exposure
    columns = "household"         # the other
    unknown = "unknown"           # the column of those whose household is not known
    status = "assumption"         # or "measured", when the table is the survey's own
    source = "where the table comes from"
    unit = "percent"              # of everyone, adding up to 100; or "respondents"
    [table]
    "18-34" = { single = 9.5, couple = 20.1, unknown = 0.4 }
    "50-64" = { single = 5.4, couple = 64.1, unknown = 0.5 }"""
_ROUNDED = 0.5  # percentage points by which a table of rounded percentages may miss 100
_WEIGHTED = 1.0  # percentage points by which weights may change the share of unknown without a note


def read_margins(path: str | Path, codebook: str | Path | None = None) -> Margins:
    """Give the margins of a TOML file, with the answers of the outcomes from the codebook.

    Parameters
    ----------
    path : str or Path
        A TOML file with the tables [margins] and [table].
    codebook : str or Path, optional
        codebook.toml beside the file unless given.

    Returns
    -------
    Margins

    Raises
    ------
    DeclarationError
        If a file is absent or not in its schema, or the table does not fit the codebook.

    Examples
    --------
    >>> from wwm_models.study.model_files import bundled_study
    >>> read_margins(bundled_study("wwm21") / "margins.toml").rows
    'age_group'
    """
    path = Path(path)
    if not path.is_file():
        raise DeclarationError(
            f"{path}: no such file. Expected the joint distribution of the two exposures, which the printed percentages do not "
            f"give and the bounds need. {HOW}"
        )
    book = read_codebook(path.parent / "codebook.toml" if codebook is None else Path(codebook))
    declared = TomlTable(read_toml(path), str(path))
    declared.check(required=["margins", "table"], optional=[])
    head = TomlTable(declared.table("margins").values, f"{path}, [margins]")
    head.check(
        required=["rows", "columns", "status"],
        optional=["source", "unit", "unknown", "outside", "base", "known", "deltas", "without"],
    )
    answers = {
        item.variable.name: tuple(level.id for level in item.variable.levels)
        for item in book.declarations
        if item.variable.levels
    }
    margins = Margins(
        rows=head.choice("rows", tuple(answers), ""), columns=head.choice("columns", tuple(answers), ""),
        table=_cells(TomlTable(declared.table("table").values, f"{path}, [table]")),
        outside=head.texts("outside"), unknown=head.text("unknown", ""),
        answers=MappingProxyType(answers), collapses=MappingProxyType(_collapses(book)),
        status=head.choice("status", ("assumption", "measured"), ""), source=head.text("source", ""),
        unit=head.choice("unit", ("percent", "respondents"), "percent"),
        base=head.text("base", ""), known=head.text("known", ""), deltas=_deltas(head), without=head.texts("without"),
    )  # fmt: skip
    _check_levels(margins, f"{path}, [table]")
    _check_total(margins, f"{path}, [table]")
    return margins


def measured_margins(margins: Margins, survey: Survey) -> Margins | None:
    """Give the margins with the respondents' own weighted table in the place of the declared one.

    Parameters
    ----------
    margins : Margins
        What the table is of: its two exposures, and its deltas.
    survey : Survey

    Returns
    -------
    Margins or None
        Everyone in the domain, in percent; those without a level of `rows` in the row that no figure shows, those without one of
        `columns` in the column of unknown. A cell of fewer respondents than may be published (and of one or more) is taken as half that
        number, so that bounds do not tell it. None where the survey does not have both exposures, with these levels, or has nobody.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": pd.Categorical(["x", "y"] * 20), "b": pd.Categorical(["u", "u", "v", "v"] * 10)})
    >>> declared = Margins("a", "b", pd.DataFrame(1.0, index=["x", "y"], columns=["u", "v"]))
    >>> float(measured_margins(declared, Survey.from_frame(frame, weight=None)).table.loc["x", "u"])
    25.0
    """
    places: list[NDArray[np.intp]] = []
    names: list[list[str]] = []
    for name, further in (
        (margins.rows, margins.outside),
        (margins.columns, (margins.unknown,) if margins.unknown else ()),
    ):
        if name not in survey.frame or not isinstance(survey.frame[name].dtype, pd.CategoricalDtype):
            return None
        column = survey.frame[name][survey.domain]
        levels = [str(level) for level in column.cat.categories]
        if levels != margins.levels(name):
            return None
        codes = np.asarray(column.cat.codes, dtype=np.intp)
        rest = [*further[:1]] if further or not (codes < 0).any() else ["unknown"]
        places.append(np.where(codes < 0, len(levels), codes))
        names.append([*levels, *rest])
    shape = len(names[0]), len(names[1])
    weight, people = np.zeros(shape), np.zeros(shape)
    np.add.at(weight, tuple(places), survey.weights[survey.domain])
    np.add.at(people, tuple(places), survey.counts[survey.domain])
    if not weight.sum() > 0:
        return None
    least = survey.suppress_below
    few = (people > 0) & (people < least)
    shares = np.where(few, weight.sum() * least / 2.0 / people.sum(), weight)
    table = pd.DataFrame(100.0 * shares / shares.sum(), index=pd.Index(names[0]), columns=pd.Index(names[1]))
    levels = [margins.levels(name) for name in (margins.rows, margins.columns)]
    return replace(
        margins, table=table, outside=tuple(names[0][len(levels[0]) :]), unknown="".join(names[1][len(levels[1]) :]), status="measured",
        unit="percent", source="the respondents' own weighted table" + (f", cells of fewer than {least} taken as {least / 2:g}" if few.any() else ""),
    )  # fmt: skip


def check_bases(margins: Margins, article: Article) -> list[str]:
    """Hold the table against the numbers of respondents that the article prints.

    Returns
    -------
    list of str
        What differs by more than weights can be expected to change; a table that counts respondents has to agree exactly.

    Raises
    ------
    ArticleError
        If a named n is not in the article, or a table of respondents does not add up to it.
    """
    everyone = float(margins.table.to_numpy().sum())
    known = everyone - (float(margins.table[margins.unknown].sum()) if margins.unknown else 0.0)
    for key, name, found in (("base", margins.base, everyone), ("known", margins.known, known)):
        if name and name not in article.n:
            raise ArticleError(
                f'The margins say {key} = "{name}", which is no n of the article. Known: {listed(article.n)}.'
                f"{did_you_mean(name, article.n)} Name one of these, or leave `{key}` out."
            )
        if name and margins.unit == "respondents" and abs(found - article.n[name]) >= 1:
            raise ArticleError(
                f"The margins add up to {found:g} respondents where the article prints n = {article.n[name]} ({name}). "
                'Expected the same number. Repair the table, or write unit = "percent" if it is weighted.'
            )
    if not (margins.base and margins.known) or margins.unit == "respondents":
        return []
    counted = 100.0 * (1.0 - article.n[margins.known] / article.n[margins.base])
    share = 100.0 * (1.0 - known / everyone)
    if abs(share - counted) <= _WEIGHTED:
        return []
    return [
        f"{share:.1f}% of the margins have no known {margins.columns}; by the printed numbers of respondents it is {counted:.1f}%."
    ]


def _collapses(book: Codebook) -> dict[str, Mapping[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for collapse in book.collapses.values():
        found.setdefault(collapse.variable, {})[collapse.id] = collapse.levels
    return {name: MappingProxyType(every) for name, every in found.items()}


def _cells(declared: TomlTable) -> pd.DataFrame:
    rows = {name: declared.table(name) for name in declared.values}
    names = list(dict.fromkeys(name for row in rows.values() for name in row.values))
    for row in rows.values():
        row.check(required=names, optional=[])
    numbers = [[_share(row, name) for name in names] for row in rows.values()]
    return pd.DataFrame(numbers, index=pd.Index(list(rows)), columns=pd.Index(names))


def _share(row: TomlTable, name: str) -> float:
    value = row.number(name)
    if value is None or not 0.0 <= value < float("inf"):
        raise row.wrong(name, value, "a number of zero or more")
    return value


def _deltas(head: TomlTable) -> tuple[float, ...]:
    """Declared in percentage points, kept on the probability scale."""
    if "deltas" not in head.values:
        return DELTAS
    values = head.numbers("deltas")
    if any(not 0.0 <= value <= 100.0 for value in values):
        raise head.wrong("deltas", head.values["deltas"], "percentage points from 0 to 100, like [0, 5, 10]")
    return tuple(sorted({value / 100.0 for value in values}))


def _check_levels(margins: Margins, where: str) -> None:
    columns = (margins.unknown,) if margins.unknown else ()
    for kind, name, found, further in (
        ("row", margins.rows, [str(level) for level in margins.table.index], margins.outside),
        ("column", margins.columns, [str(level) for level in margins.table.columns], columns),
    ):
        levels = margins.answers[name]
        for level in found:
            if level not in (*levels, *further):
                raise DeclarationError(
                    f'{where}: the {kind} "{level}" is no level of {name}, which has: {listed(levels, 20)}.'
                    f"{did_you_mean(level, levels)} Rename it, or name it in [margins] under `outside` (a row) or `unknown` (a column)."
                )
        absent = [level for level in (*levels, *further) if level not in found]
        if absent:
            raise DeclarationError(
                f"{where} has no {kind} for {listed(absent)}. Expected every level of {name} and what [margins] names. "
                "Add it; write 0 where nobody is."
            )


def _check_total(margins: Margins, where: str) -> None:
    total = float(margins.table.to_numpy().sum())
    if margins.unit == "percent" and abs(total - 100.0) > _ROUNDED:
        raise DeclarationError(
            f"{where}: the cells add up to {total:g} percent. Expected 100, to within half a point. Give shares of everyone, "
            'those of unknown level too, or write unit = "respondents".'
        )
    if total <= 0:
        raise DeclarationError(f"{where}: every cell is 0. Expected the number of respondents in each. Fill the table.")
