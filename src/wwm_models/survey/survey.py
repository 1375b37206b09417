"""A survey after recoding: respondents, weights, sampling design, domain, and what was left out and why."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import checked, first_rows, flags_of, numbers_of, one_of
from wwm_models.errors import SurveyError, expect, listed
from wwm_models.messages import LANGUAGES, number, say
from wwm_models.survey.frames import as_read, plain_frame, refuse_collapse_name, refuse_kind
from wwm_models.survey.implausible_weights import codes_among, counted_codes, dominant, spread_of, unequal
from wwm_models.survey.sampling_design import (
    LONELY,
    Lonely,
    Replicates,
    SamplingDesign,
    Tally,
    column_of,
    sampling_design,
)

WeightKind = Literal["sampling", "frequency", "none"]

_UNSET: Final = "weight was not given"


def identity_of(sha256: str = "", rows: int = 0) -> str:
    """The identity of the respondents of a file, all rows of it; without a file one that no other survey has."""
    return f"file {sha256} of {rows} rows" if sha256 else uuid.uuid4().hex


FURTHER: Final = tuple(lang for lang in LANGUAGES if lang not in ("nl", "en"))
FurtherLabels = tuple[tuple[str, str], ...]  # in further languages: (language, label)


class Labelled:
    """What has a Dutch and an English label, and perhaps labels in further languages."""

    nl: str
    en: str
    further: FurtherLabels

    def label(self, lang: str) -> str:
        """Its label in a language; empty where it has none."""
        return {"nl": self.nl, "en": self.en, **dict(self.further)}.get(lang, "")


@dataclass(frozen=True)
class Level(Labelled):
    """One answer of a question (or one group): its id and its labels."""

    id: str
    nl: str
    en: str
    further: FurtherLabels = ()


@dataclass(frozen=True)
class Variable(Labelled):
    """What is known of one variable beyond its values.

    Attributes
    ----------
    name : str
    kind : {"ordered", "nominal", "number"}
    levels : tuple of Level
        In order, lowest first; empty for a number.
    nl, en : str
        The label of the variable itself.
    further : tuple of (language, label)
        The same in further languages.
    """

    name: str
    kind: Literal["ordered", "nominal", "number"]
    levels: tuple[Level, ...] = ()
    nl: str = ""
    en: str = ""
    further: FurtherLabels = ()


@dataclass(frozen=True)
class Collapse(Labelled):
    """Several answers of one variable reported as one, for example "at least several times a week"."""

    id: str
    variable: str
    levels: tuple[str, ...]
    nl: str = ""
    en: str = ""
    further: FurtherLabels = ()


@dataclass(frozen=True, eq=False)
class Survey:
    """Recoded respondents with their weights and design.

    Attributes
    ----------
    frame : DataFrame, n rows in file order
        One column per variable: Categorical for answers (ordered where the order means something), float for numbers.
    weights : (n,) array
        Non-negative; ones when there is no weight.
    weight_kind : {"sampling", "frequency", "none"}
        Inverse probabilities of selection, respondents that a row stands for, or no weights.
    design : SamplingDesign or None
        Strata, sampling units and populations; None for independent respondents.
    domain : (n,) bool array
        The rows the study is about. Rows outside keep the design: they count in PSUs and strata.
    accounting : DataFrame
        Columns ``reason`` and ``rows``: from the rows in the file to the rows in the domain.
    variables, collapses : mappings by name
        What the codebook declares; empty for a frame.
    missing : mapping of variable to (n,) array of reasons
        Why a value is missing; an empty string where it is not.
    replicates : Replicates or None
        Replicate weights; where they are given, every standard error comes from them.
    title : str
        Of the survey, for the page; empty where it has none.
    synthetic : bool
        True for invented respondents; every table and page then says SYNTHETIC.
    suppress_below : int
        Percentages on fewer unweighted respondents than this are not published.
    warnings : tuple of str
        What a reader of any result must know of the data.
    suppress_counts : bool
        Nor are answers that fewer than that gave.
    sha256 : str
        Of the data file, or of the contents of a table; empty for a frame.
    tally : Tally or None
        How many respondents each row stands for, where that is not one: those who gave the same answers and are grouped
        (`read_counts`), or a frequency weight, whose tally stays when other weights take its place.
    identity : str
        Whose answers the rows are. Two surveys with the same identity have the same respondents in the same rows, whatever their weights, domain
        or completed answers; all others are independent samples, also where they have as many rows. Of a file: its contents.
    ids : (n,) array of text or None
        A name for every respondent, once, which is the same person in every survey that declares such names; None: nobody says who is who.
    """

    frame: pd.DataFrame
    weights: NDArray[np.float64]
    weight_kind: WeightKind = "none"
    design: SamplingDesign | None = None
    domain: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    accounting: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"reason": [], "rows": []}))
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))
    collapses: Mapping[str, Collapse] = field(default_factory=lambda: MappingProxyType({}))
    missing: Mapping[str, NDArray[np.object_]] = field(default_factory=lambda: MappingProxyType({}))
    replicates: Replicates | None = None
    title: str = ""
    synthetic: bool = False
    suppress_below: int = 10
    warnings: tuple[str, ...] = ()
    suppress_counts: bool = False
    sha256: str = ""
    tally: Tally | None = None
    identity: str = field(default_factory=identity_of)
    ids: NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        """A frequency is a tally, and the design has the survey's."""
        if self.weight_kind == "frequency":
            object.__setattr__(self, "tally", Tally(self.weights, self.weights))
        if self.design is not None and self.design.tally is not self.tally:
            object.__setattr__(self, "design", replace(self.design, tally=self.tally))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def counts(self) -> NDArray[np.float64]:
        """(n,) respondents of each row."""
        return np.ones(len(self.frame)) if self.tally is None else self.tally.count

    @property
    def own_weights(self) -> NDArray[np.float64]:
        """(n,) weight of one respondent of each row, the mean where they differ; zero where there is none."""
        return np.divide(self.weights, self.counts, out=np.zeros(len(self.frame)), where=self.counts > 0)

    def respondents(self, rows: NDArray[np.bool_]) -> int:
        """Give the number of respondents in some rows, (n,) booleans."""
        return int(rows.sum()) if self.tally is None else round(float(self.tally.count[rows].sum()))

    def unweighted(self) -> Survey:
        """Give the same respondents, each of whom counts once: in a replicate too, and without the calibration of their weights."""
        if self.weight_kind == "frequency":
            return self
        tally = None if self.tally is None else Tally(self.tally.count, self.tally.count)
        design = None if self.design is None else replace(self.design, calibrations=())
        made = self.replicates
        if made is not None:
            made = replace(made, weights=self.counts[:, None] * made.multipliers[made.unit])
        return replace(
            self, weights=self.counts.copy(), weight_kind="none", design=design, tally=tally, replicates=made
        )

    def one_by_one(self, what: str) -> None:
        """Refuse what needs a row for each respondent or a frequency, where respondents are grouped.

        Raises
        ------
        SurveyError
        """
        if self.tally is not None and self.weight_kind != "frequency":
            raise SurveyError(
                say("one_by_one", what=what, people=number(self.tally.count.sum(), ",.0f"), rows=number(len(self), ","))
            )

    def written_out(self, rows: NDArray[np.bool_]) -> Survey:
        """Give the same respondents, those of some rows in a row for each.

        Parameters
        ----------
        rows : (n,) bool array
            Rows of respondents with equal weights.

        Raises
        ------
        SurveyError
            If a row stands for a part of a respondent, or replicate weights leave respondents out that would be told apart.
        """
        times = np.where(rows & (self.counts > 0), self.counts, 1.0)
        if (times == 1.0).all():
            return self
        parts = np.flatnonzero(times != np.round(times))
        if len(parts):
            raise SurveyError(
                f"{len(parts)} rows stand for a part of a respondent (the first, row {parts[0] + 1}, for {times[parts[0]]:g}), so they cannot be "
                "written out one by one. Expected whole numbers of respondents. Repair the frequencies."
            )
        design = self.design
        if self.replicates is not None and (design is None or not design.told_apart(0)):
            raise SurveyError(
                f"The replicate weights leave out one respondent on behalf of all of a row, and {int((times > 1).sum())} rows of several "
                "would be written out one by one. Expected a survey without replicates. Impute first, then make the replicates."
            )
        place, share = (
            np.repeat(np.arange(len(self)), times.astype(np.intp)),
            np.repeat(1.0 / times, times.astype(np.intp)),
        )
        tally = (
            None if self.tally is None else Tally(self.tally.count[place] * share, self.tally.effective[place] * share)
        )
        made = self.replicates
        if made is not None:
            made = replace(made, weights=made.weights[place] * share[:, None], unit=made.unit[place])
        return replace(
            self, frame=self.frame.iloc[place].reset_index(drop=True), weights=self.weights[place] * share, domain=self.domain[place],
            design=None if design is None else design.written_out(place, share), tally=tally, replicates=made,
            missing={name: reasons[place] for name, reasons in self.missing.items()}, identity=f"{self.identity}, {len(place)} rows", ids=None,
        )  # fmt: skip

    def weights_known(self, what: str) -> None:
        """Refuse what needs every respondent's weight, where those of a row differ.

        Raises
        ------
        SurveyError
        """
        if self.tally is not None and not self.tally.alike:
            self.one_by_one(what)

    @classmethod
    @checked
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        weight: str | None = _UNSET,
        weight_kind: Literal["sampling", "frequency"] = "sampling",
        strata: str | Sequence[str] | None = None,
        psu: str | Sequence[str] | None = None,
        fpc: str | Sequence[str] | None = None,
        domain: NDArray[np.bool_] | pd.Series | Sequence[bool] | None = None,
        lonely: Lonely = "error",
        collapses: Mapping[str, tuple[str, Sequence[str]]] | None = None,
        accept_extreme_weights: bool = False,
        respondent: str | None = None,
    ) -> Survey:
        """Make a survey of a frame that is already recoded.

        Parameters
        ----------
        frame : DataFrame
            One row per respondent (or per distinct respondent with a frequency weight).
        weight : str or None
            Column of the weights. ``None`` says in so many words that there is none.
        weight_kind : {"sampling", "frequency"}
        strata, psu, fpc : str, list of str (one per stage) or None
        domain : (n,) booleans, optional
            Rows the estimates are about; the others keep the design. A Series is taken by its index, which must be that of the frame;
            an array or a list by position. Numbers are yes and no where all are exactly 0 or 1.
        lonely : {"error", "certainty", "average", "adjust"}
        collapses : mapping of id to (variable, answers), optional
        accept_extreme_weights : bool
            Sampling weights are refused that look like codes for a missing weight (999 where all others are below 333), or with which one
            respondent holds more than 5 percent of the total weight of the domain; True accepts them.
        respondent : str, optional
            Column that names each respondent once, with the same name for the same person in every survey: numbers of two such surveys,
            two waves of a panel, are then paired person by person. Row numbers are no such names.

        Returns
        -------
        Survey

        Raises
        ------
        SurveyError
            If a column is absent, a weight is missing, negative, no number or not plausible, a frequency no whole number, all weights are
            zero, `weight` was not given, `domain` does not say yes or no of every row, a collapse is of no column, or called as an answer of
            it, or a respondent has no name or another's.

        Examples
        --------
        >>> frame = pd.DataFrame({"y": pd.Categorical(["no", "yes", "yes"], ["no", "yes"], ordered=True)})
        >>> len(Survey.from_frame(frame, weight=None))
        3
        """
        expect(frame, (pd.DataFrame,), "The first argument of Survey.from_frame", SurveyError)
        if not len(frame):
            raise SurveyError("The frame has no rows. Expected one for every respondent. Give the right frame.")
        labels, frame = frame.index, plain_frame(frame.reset_index(drop=True), "The frame")
        if weight == _UNSET:
            raise SurveyError(
                "Survey.from_frame was called without `weight`. Expected the name of the weight column, or weight=None "
                "when the respondents are not weighted. Write which of the two is meant."
            )
        one_of(weight_kind, ("sampling", "frequency"), "weight_kind", SurveyError)
        weights = (
            np.ones(len(frame)) if weight is None else checked_weights(column_of(frame, weight), weight, weight_kind)
        )
        inside = np.ones(len(frame), dtype=bool) if domain is None else flags_of(domain, labels, "domain")
        one_of(lonely, LONELY, "lonely", SurveyError)
        implausible: tuple[str, ...] = ()
        if weight is not None and weight_kind == "sampling":
            implausible = plausible(weights, inside, weight, accept=accept_extreme_weights)
        rows = pd.DataFrame(
            {"reason": ["rows in the frame", "outside the domain"], "rows": [len(frame), int((~inside).sum())]}
        )
        return cls(
            frame=frame,
            weights=weights,
            weight_kind="none" if weight is None else weight_kind,
            design=sampling_design(frame, strata, psu, fpc, lonely),
            domain=inside,
            accounting=rows,
            collapses=_collapses(frame, collapses or {}),
            warnings=implausible,
            ids=None if respondent is None else respondent_ids(frame, respondent, counted=weight_kind == "frequency"),
        )


def _collapses(frame: pd.DataFrame, given: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Collapse]:
    """Collapses of columns of a frame; names that tables could not tell apart are refused."""
    found: dict[str, Collapse] = {}
    for name, (variable, levels) in given.items():
        where, column = f'collapses["{name}"]: ', column_of(frame, variable)
        answers = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique()
        before = [one.id for one in found.values() if one.variable == variable]
        refuse_collapse_name(name, [*(str(answer) for answer in answers), *before], SurveyError, where)
        found[name] = Collapse(name, variable, tuple(levels), name, name)
    return found


def respondent_ids(frame: pd.DataFrame, name: str, *, counted: bool) -> NDArray[np.object_]:
    """Names of respondents as text, a whole number without a fraction.

    Parameters
    ----------
    frame : DataFrame, n rows
    name : str
        Of the column.
    counted : bool
        Whether a row stands for several people, who have no names.

    Returns
    -------
    (n,) array of text

    Raises
    ------
    SurveyError
    """
    column = column_of(frame, name)
    refuse_kind(column, name, "Respondent", SurveyError)
    gone = column.isna().to_numpy(dtype=bool)
    ids = column.astype(object).map(as_read).to_numpy(dtype=object)
    twice = pd.Series(ids).duplicated(keep=False).to_numpy() & ~gone
    for wrong, what in ((gone, "have no name"), (twice, "share a name with another row")):
        if wrong.any() or counted:
            found = (
                f"{first_rows(np.flatnonzero(wrong), len(ids))} {what}"
                if not counted
                else "a row with a frequency stands for several people"
            )
            raise SurveyError(
                f'Respondent "{name}": {found}. Expected a name for every respondent, once. Repair the column, or leave `respondent` out: '
                "the survey is then an independent sample."
            )
    return ids


def told_count(count: float, below: int) -> str:
    """Write how many respondents a message is about, without telling a few apart.

    Parameters
    ----------
    count : float
        Unweighted respondents.
    below : int
        A survey's `suppress_below`.

    Examples
    --------
    >>> told_count(36, 10), told_count(3, 10), told_count(0, 10)
    ('36', 'fewer than 10', 'fewer than 10')
    """
    return number(count, ".0f") if count >= below else say("fewer_than", count=below)


def checked_weights(column: pd.Series, name: str, kind: str) -> NDArray[np.float64]:
    """Give the weights as floats, or say which rows cannot be weights of their kind.

    Returns
    -------
    (n,) array
        Finite and non-negative, at least one positive; whole numbers where they are frequencies.
    """
    values = numbers_of(column, f'Weight "{name}"')
    missing = ~np.isfinite(values)
    negative = values < 0
    for wrong, what in ((missing, "missing or not a finite number"), (negative, "negative")):
        if wrong.any():
            first = f"(first rows, counted from 1: {listed((np.flatnonzero(wrong) + 1).tolist())})"
            raise SurveyError(wrong_weights(name, f"{int(wrong.sum())} of {len(values)} rows", f"{what} {first}"))
    parts = np.flatnonzero(values != np.floor(values))
    if kind == "frequency" and len(parts):
        raise SurveyError(no_frequencies(name, first_rows(parts, len(values)), float(values[parts[0]])))
    if not values.any():
        raise SurveyError(no_weights(name, len(values)))
    return values


def plausible(weights: NDArray[np.float64], domain: NDArray[np.bool_], name: str, *, accept: bool) -> tuple[str, ...]:
    """Refuse sampling weights that cannot be meant, unless they are accepted, and warn of very unequal ones."""
    spread = spread_of(weights, domain)
    code, found = codes_among(
        *counted_codes(weights), name, lambda one: first_rows(np.flatnonzero(weights == one), len(weights))
    )
    found = (found if code else dominant(spread, name)) if not accept else ""
    if found:
        advice = (
            "Leave these rows out of the domain or repair the weight; if it is meant, give accept_extreme_weights=True."
        )
        raise SurveyError(f"{found[0].upper()}{found[1:]} {advice}")
    return unequal(spread, name)


def wrong_weights(name: str, rows: str, what: str) -> str:
    """Say that rows cannot be weighed."""
    return (
        f'Weight "{name}": {rows} are {what}. Expected a number of zero or more for every respondent. '
        "Repair the column, or leave the rows out of the file on purpose."
    )


def no_frequencies(name: str, rows: str, first: float) -> str:
    """Say that rows stand for parts of people.

    Parameters
    ----------
    name : str
        Of the weight.
    rows : str
        How many rows, and which.
    first : float
        One such frequency.
    """
    return (
        f'Weight "{name}" is no whole number in {rows}; one is {first:g}. Expected how many respondents each row stands for, since '
        'weight_kind is "frequency". Repair the column, or write weight_kind = "sampling" if these are weights of single respondents.'
    )


def no_weights(name: str, rows: int) -> str:
    """Say that nobody has weight."""
    return f'Weight "{name}": all {rows} weights are zero, so nobody counts. Name another column, or no weight.'
