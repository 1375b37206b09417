"""Estimates, with what they are of, what later steps need of them, and the one table in which every caller reads them.

`Estimand` says what an adjusted number is of: exposure, adjusters, target population and averaging rule, and the same in a sentence. `Estimates`
carries covariance, influence of each respondent, or posterior draws. `probability_table` and the functions before it make the tidy table: one shape
for raw, adjusted, contrasts and slopes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import short_repr
from wwm_models.errors import AdjustError, did_you_mean, group_in_words, listed
from wwm_models.likelihood.degrees_of_freedom import Freedom, endless
from wwm_models.messages import catalogue, language_problem, sentence
from wwm_models.models.cells import Cells, Influence
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array, Later
from wwm_models.survey.frames import ESTIMATE_COLUMNS, refuse_collapse_name, refuse_column_name

_TEXT = re.compile(
    r"^(?P<head>.*?)exposure=(?P<exposure>[^;]*); adjusters=(?P<adjusters>[^;]*); population=(?P<population>[^;]*)"
    r"(?:; averaging=(?P<averaging>[^;]*))?$"
)
AVERAGING = {
    "sample": "weighted respondents",
    "balanced": "equal weight per combination",
    "another survey": "weighted respondents",
}
_POPULATIONS = {
    "sample": "estimand_sample",
    "balanced": "estimand_balanced",
    "another survey": "estimand_another_survey",
}  # as messages
_AVERAGED = {
    "weighted respondents": "estimand_mean",
    "equal weight per combination": "estimand_equal",
    "weighted respondents, raked to margins": "estimand_raked",
}
_MADE = {"": "estimand_probability", "difference of": "estimand_difference", "ratio of": "estimand_ratio"}
_GIVEN = re.compile(r"^declared margins of (.*)$")


@dataclass(frozen=True)
class Estimand:
    """What a number is of.

    Attributes
    ----------
    exposure : tuple of str
        Variables whose levels form the groups; for an adjusted number they are set for everyone.
    adjusters : tuple of str
        Variables that stay as they are in the population averaged over.
    population : str
        "sample", "balanced", "another survey" or "declared margins of ...".
    averaging : str
        How the population is averaged over.
    quantity : str
        "" for the probability of an answer; "raw share", "difference of", ...: what is made of it.
    label : str
        Short name within a study, such as "total".

    Examples
    --------
    >>> made = Estimand(("age_group",), ("household", "gender"), "sample")
    >>> made.text
    'exposure=age_group; adjusters=household+gender; population=sample; averaging=weighted respondents'
    >>> Estimand.parse(made.text) == made
    True
    >>> made.sentence("en")
    'Probability of each answer if everyone in the sample had the same age_group, with household and gender as they are (weighted mean over respondents).'
    """

    exposure: tuple[str, ...]
    adjusters: tuple[str, ...]
    population: str
    averaging: str = ""
    quantity: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if not self.averaging:
            rule = AVERAGING.get(self.population, "weighted respondents, raked to margins")
            object.__setattr__(self, "averaging", rule)

    @property
    def text(self) -> str:
        """The record as the ``estimand`` column of a table writes it."""
        head = f"{self.label}: " if self.label else ""
        head += f"{self.quantity}; " if self.quantity else ""
        return (
            f"{head}exposure={_joined(self.exposure)}; adjusters={_joined(self.adjusters)}; population={self.population}; "
            f"averaging={self.averaging}"
        )

    @classmethod
    def parse(cls, text: str) -> Estimand:
        """Read what `text` writes.

        Raises
        ------
        AdjustError
            If the text is not an estimand.
        """
        found = _TEXT.match(text)
        if found is None:
            raise AdjustError(
                f'"{text}" is not an estimand. Expected "exposure=...; adjusters=...; population=...; averaging=...". '
                "Make the table with the package's own functions."
            )
        label, _, quantity = found["head"].rpartition(": ")
        return cls(
            _names(found["exposure"]),
            _names(found["adjusters"]),
            found["population"],
            found["averaging"] or "",
            quantity.rstrip("; ").strip(),
            label.strip(),
        )

    def sentence(self, lang: str, names: Mapping[str, str] | None = None) -> str:
        """What the number is, in one plain sentence.

        Parameters
        ----------
        lang : str
        names : mapping of variable to its label, optional

        Raises
        ------
        AdjustError
            If the language is not known.
        """
        if language_problem(lang):
            raise AdjustError(language_problem(lang))
        return _sentence(self, lang, names or {})


def _joined(names: Sequence[str]) -> str:
    return "+".join(names) or "none"


def _names(text: str) -> tuple[str, ...]:
    return () if text in ("", "none") else tuple(text.split("+"))


def _sentence(estimand: Estimand, lang: str, labels: Mapping[str, str]) -> str:
    exposure = _listed([labels.get(name, name) for name in estimand.exposure], lang)
    if estimand.quantity == "raw share":
        return sentence("estimand_share_by" if exposure else "estimand_share", lang, exposure=exposure)
    who = _population(estimand, lang, labels)
    setting = sentence("estimand_if" if exposure else "estimand_over", lang, who=who, exposure=exposure)
    if estimand.adjusters:
        adjusters = _listed([labels.get(name, name) for name in estimand.adjusters], lang)
        setting = sentence("estimand_with", lang, setting=setting, adjusters=adjusters)
    averaged = _in(lang, _AVERAGED, estimand.averaging)
    quantity = _in(lang, _MADE, estimand.quantity)
    return sentence(
        "estimand_of", lang, quantity=f"{quantity[:1].upper()}{quantity[1:]}", setting=setting, averaged=averaged
    )


def _in(lang: str, keys: Mapping[str, str], text: str) -> str:
    """One of our words in a language; another text as it is."""
    return sentence(keys[text], lang) if text in keys else text


def _listed(names: Sequence[str], lang: str) -> str:
    word = catalogue(lang).words["and"]
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


def _population(estimand: Estimand, lang: str, labels: Mapping[str, str]) -> str:
    given = _GIVEN.match(estimand.population)
    if given is None:
        return _in(lang, _POPULATIONS, estimand.population)
    return sentence(
        "estimand_margins", lang, margins=_listed([_crossed(name, lang, labels) for name in given[1].split("+")], lang)
    )


def _crossed(name: str, lang: str, labels: Mapping[str, str]) -> str:
    """A margin of one variable, or of several by each other."""
    first, *others = (labels.get(one, one) for one in name.split(":"))
    for other in others:
        first = sentence("estimand_by", lang, variable=first, other=other)
    return first


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which rows of which estimates a table of contrasts compares: all that its numbers and their law follow from.

    Attributes
    ----------
    source : Estimates
    variable : str
        Whose levels are compared.
    kind : {"difference", "ratio"}
    first, second : (m,) int arrays
        Rows of the source.
    level : float
        Of the intervals, above 0 and below 1.
    simultaneous : bool
        Whether the intervals hold their numbers all at once.
    """

    source: Estimates
    variable: str
    kind: str
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    level: float
    simultaneous: bool = False


@dataclass(frozen=True, eq=False)
class Estimates:
    """A tidy table of m estimates with their joint law.

    Attributes
    ----------
    table : DataFrame, m rows
        The by-variables, then `ESTIMATE_COLUMNS`; probabilities are in 0..1.
    by : tuple of str
        Variables whose groups have numbers of their own; empty for everyone together.
    covariance : (m, m) array
        Of the estimates, in the order of the table; of contrasts it is made when it is asked for, since there can be very many.
    contributions : Influence or None
        Linearised contribution of every respondent (likelihood and raw); of contrasts made when it is asked for.
    draws : (s, m) array or None
        Posterior draws.
    df : float
        Smallest degrees of freedom of the intervals; infinite for the normal.
    replicated : (R, m) array or None
        Deviations of the replicate estimates, scaled so that ``replicated.T @ replicated`` is their covariance.
    origin : str
        Which fit or posterior the numbers are of: draws of one origin belong together row by row, those of two do not.
    freedom : Freedom
        Degrees of freedom of every number, and why one has no standard error or interval; `df` for all unless given.
    replicate_set : str
        Which replicate weights `replicated` is of (`Replicates.identity`): columns of two sets do not belong together.
    pairs : Pairs or None
        Of contrasts, what they compare.
    sizes : function of the levels of each by-variable, or None
        Of raw percentages: the shares of their combinations (`joined_groups.sizes_of_levels`).
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    covariance: Later[Array] = Later()
    contributions: Later[Influence | None] = Later(None)
    draws: Array | None = None
    df: float = float("inf")
    replicated: Array | None = None
    origin: str = ""
    freedom: Freedom = field(default_factory=lambda: endless(0))
    replicate_set: str = ""
    pairs: Pairs | None = None
    sizes: Callable[[Mapping[str, Sequence[str]]], Estimates] | None = None

    def __post_init__(self) -> None:
        if len(self.freedom.df) != len(self.table):
            own = Freedom(np.full(len(self.table), self.df), np.full(len(self.table), "", dtype=object))
            object.__setattr__(self, "freedom", own)

    @property
    def reasons(self) -> NDArray[np.object_]:
        """(m,) why a number has no standard error or no interval; empty where it has both."""
        return self.freedom.reasons

    @property
    def estimands(self) -> tuple[Estimand, ...]:
        """What the numbers are of, each once, in the order of the table."""
        return tuple(Estimand.parse(text) for text in dict.fromkeys(self.table["estimand"]))

    @property
    def influence(self) -> Array | None:
        """(n, m) contributions of the survey's respondents, survey after survey where there are several; None for a posterior."""
        return None if self.contributions is None else np.vstack([one.expand() for one in self.contributions.parts])

    def __repr__(self) -> str:
        """What the numbers are, in a line; the numbers are in `table`."""
        by = f" by {', '.join(self.by)}" if self.by else ""
        of = listed(dict.fromkeys(self.table["outcome"]))
        levels = listed(f"{level:.6g}%" for level in dict.fromkeys(100.0 * self.table["level"]))
        methods = listed(dict.fromkeys(self.table["method"]))
        return (
            f"Estimates of {of}{by}: {len(self.table)} rows, {methods}, {levels} intervals; the numbers are in .table"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html()


Collapses = Mapping[str, Sequence[str]]


def names_of(by: str | Sequence[str] | None, *, of: Sequence[str] = ()) -> tuple[str, ...]:
    """`by` as a tuple of names: a name, several, or none; what the numbers are `of` makes no groups.

    Examples
    --------
    >>> names_of("age"), names_of(None), names_of(["age", "sex"])
    (('age',), (), ('age', 'sex'))
    """
    if by is None:
        return ()
    given: object = by
    names: tuple[Any, ...] = (given,)
    if not isinstance(given, str | Mapping) and isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        names = tuple(cast("Iterable[object]", given))
    if not all(isinstance(name, str) for name in names):
        raise AdjustError(
            f"by={short_repr(by)} names no variables. Expected a name, or a list of names. Write them as texts."
        )
    if len(set(names)) < len(names):
        raise AdjustError(f"by={short_repr(by)} names a variable twice. Expected each once. Leave the second out.")
    for name in names:
        refuse_column_name(name, "a by-variable", AdjustError)
        if name in of:
            raise AdjustError(
                f'by={short_repr(by)} names "{name}", which the numbers are of. Expected groups of another variable. Leave it out.'
            )
    return names


def group_frame(levels: Mapping[str, Any]) -> pd.DataFrame:
    """Every combination of the levels of several variables, the last varying fastest; one row for no variable.

    Parameters
    ----------
    levels : mapping of variable to its levels
        A pandas Index of categories, or numbers.
    """
    sizes = [len(values) for values in levels.values()]
    count = int(np.prod(sizes))
    places = np.indices(sizes).reshape(len(sizes), count)
    columns = {
        name: pd.Categorical.from_codes(place, categories=values)
        if isinstance(values, pd.Index)
        else np.asarray(values)[place]
        for (name, values), place in zip(levels.items(), places, strict=True)
    }
    return pd.DataFrame(columns, index=range(count))


def places_of(outcome: str, groups: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    """Every number of a table in words, answers varying fastest, as the ledger names them.

    Examples
    --------
    >>> places_of("desired", pd.DataFrame({"age": ["18-34"]}), ["never", "daily"])
    ['desired = never (age 18-34)', 'desired = daily (age 18-34)']
    """
    named = [group_in_words(row.items()) for row in groups.to_dict("records")]
    return [f"{outcome} = {category} ({name})" for name in named for category in categories]


def groups_of_patterns(cells: Cells, groups: pd.DataFrame) -> NDArray[np.intp]:
    """Row of `groups` (made by `group_frame`) to which each pattern belongs, -1 where none: (P,) array."""
    place = np.zeros(len(cells.weights), dtype=np.intp)
    outside = np.zeros(len(place), dtype=bool)
    for name in groups.columns:
        wanted, values = groups[name].array, cells.columns[str(name)]
        if isinstance(wanted, pd.Categorical):
            texts = {str(level): position for position, level in enumerate(wanted.categories)}
            position = np.array([texts.get(str(level), -1) for level in values.categories], dtype=np.intp)[values.codes]
            size = len(wanted.categories)
        else:
            sorted_values = np.unique(np.asarray(wanted))
            position = np.searchsorted(sorted_values, values)
            size = len(sorted_values)
        outside |= position < 0
        place = place * size + position
    return np.where(outside, -1, place)


def collapse_matrix(categories: Sequence[str], collapses: Collapses | None) -> tuple[Array, list[str]]:
    """Rows that give each answer and each declared collapse of answers.

    Returns
    -------
    (K + collapses, K) array of zeros and ones
    list of str
        Names of the rows.

    Raises
    ------
    AdjustError
        If a collapse names an answer that is not there.
    """
    rows, names = [np.eye(len(categories))], list(categories)
    for name, members in (collapses or {}).items():
        refuse_collapse_name(name, names, AdjustError)
        for member in members:
            if member not in categories:
                raise AdjustError(
                    f'Collapse "{name}" names the answer "{member}", which is not there. Answers: {listed(categories, 30)}.'
                    f"{did_you_mean(member, categories)}"
                )
        if not members or len(set(members)) < len(members):
            raise AdjustError(
                f'Collapse "{name}" is of the answers {listed(members, 30) or "(none)"}. Expected one or more answers, each once. Repair the list.'
            )
        rows.append(np.array([[float(category in members) for category in categories]]))
        names.append(name)
    return np.concatenate(rows), names


def probability_limits(
    estimate: Array, std_error: Array, n_effective: Array, *, level: float, df: Array, interval: str
) -> tuple[Array, Array]:
    """Limits by the named method; an estimate of 0 or 1 gets Korn-Graubard limits unless "wald" was asked for.

    Without degrees of freedom, (m,), there are none.

    Raises
    ------
    AdjustError
        If `interval` is not "logit" or "wald", or `level` is not between 0 and 1.
    """
    if interval not in ("logit", "wald"):
        raise AdjustError(
            f'interval="{interval}" is not known. Expected "logit" or "wald".{did_you_mean(interval, ["logit", "wald"])}'
        )
    critical = intervals.critical_values(level, df)
    if interval == "wald":
        return intervals.wald_limits(estimate, std_error, critical)
    lower, upper = intervals.logit_limits(estimate, std_error, critical)
    edge = ((estimate <= 0.0) | (estimate >= 1.0)) & (df > 0)
    if edge.any():
        exact = intervals.clopper_pearson_limits(estimate, np.maximum(n_effective, 1e-9), level)
        lower, upper = np.where(edge, exact[0], lower), np.where(edge, exact[1], upper)
    return lower, upper


def probability_table(
    groups: pd.DataFrame,
    names: Sequence[str],
    columns: Mapping[str, Any],
    *,
    outcome: str,
    level: float,
    method: str,
    estimand: str,
) -> pd.DataFrame:
    """Assemble the table of G groups x answers, answers varying fastest.

    Parameters
    ----------
    groups : DataFrame, G rows
    names : sequence of str
        Answers and collapses, M of them.
    columns : mapping
        ``estimate, std_error, lower, upper, count, n, n_effective``, each (G * M,).
    outcome, level, method, estimand
    """
    rows = np.repeat(np.arange(len(groups)), len(names))
    constant = {"outcome": outcome, "category": np.tile(np.array(names, dtype=object), len(groups)), "level": level}
    values = {**columns, **constant, "method": method, "estimand": estimand}
    by = {str(name): groups[name].array[rows] for name in groups.columns}
    return pd.DataFrame({**by, **{column: values[column] for column in ESTIMATE_COLUMNS}}, index=range(len(rows)))
