"""What a codebook declares, as frozen records. The reading of the TOML file is in ``declarations``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wwm_models.survey.columns import number_of
from wwm_models.survey.conditions import names_in
from wwm_models.survey.sampling_design import Lonely

if TYPE_CHECKING:
    from wwm_models.survey.conditions import Condition
    from wwm_models.survey.survey import Collapse, Level, Variable, WeightKind


@dataclass(frozen=True)
class Source:
    """[source]: what the data file is, and how its text is written.

    Attributes
    ----------
    title : str
    encoding : str
        Empty: UTF-8 for text, what the file says for SPSS, Stata and SAS.
    delimiter, decimal : str
        An empty delimiter: a tab in .tsv files, else a comma.
    table : str
        Which sheet of a workbook or table of a database; may be empty where there is one.
    memory_gb : float
        Most memory that reading may take; 0: half of what is free.
    sha256 : str
        Empty, or the only file the codebook accepts.
    synthetic : bool
    id : str
        Column that names each respondent once; empty where there is none.
    panel : bool
        Whether an id is the same person in every file that says so: numbers of two files are then paired person by person.
    """

    title: str = ""
    encoding: str = ""
    delimiter: str = ""
    decimal: str = "."
    sha256: str = ""
    synthetic: bool = False
    id: str = ""
    table: str = ""
    memory_gb: float = 0.0
    panel: bool = False


@dataclass(frozen=True)
class Exclusion:
    """Bad records: rows for which `when` is true leave the domain for this reason."""

    when: Condition
    reason: str


@dataclass(frozen=True)
class Universe:
    """[universe]: whom the study is about. Every condition of `all` must be true."""

    all: tuple[Condition, ...] = ()
    exclude: tuple[Exclusion, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """[survey]: weights, design, and from which count on a percentage may be shown."""

    weight: str = ""
    weight_kind: WeightKind = "none"
    weight_missing_codes: tuple[float, ...] = ()
    strata: tuple[str, ...] = ()
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    lonely: Lonely = "error"
    suppress_below: int = 10
    suppress_counts: bool = False
    accept_extreme_weights: bool = False


@dataclass(frozen=True)
class Answer:
    """A level, and what in the file (or in another variable) belongs to it.

    Attributes
    ----------
    level : Level
    codes : tuple of float
        Numeric values.
    text : tuple of str
        Texts of cells, or value labels of an SPSS file.
    merges : tuple of str
        Levels of the variable this one is made from.
    """

    level: Level
    codes: tuple[float, ...] = ()
    text: tuple[str, ...] = ()
    merges: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[float, ...]:
        """Codes; where none are given, the numbers that texts stand for: "1", "1.0" and 1 are one content, whoever wrote it."""
        return numbers_among(self.codes, self.text)


@dataclass(frozen=True)
class MissingAnswer:
    """Contents of cells that are no answer, and why. `policy` says what becomes of the row: "exclude"."""

    codes: tuple[float, ...]
    text: tuple[str, ...]
    reason: str
    policy: Literal["exclude"] = "exclude"

    @property
    def numbers(self) -> tuple[float, ...]:
        """Codes; where none are given, the numbers that texts stand for."""
        return numbers_among(self.codes, self.text)


def numbers_among(codes: tuple[float, ...], texts: tuple[str, ...]) -> tuple[float, ...]:
    """Codes; where none are given, the numbers that texts stand for (beside codes, texts are labels, and a label may be another number).

    Examples
    --------
    >>> numbers_among((), ("9", "refused")), numbers_among((1.0,), ("0",))
    ((9.0,), (1.0,))
    """
    found = [number_of(text) for text in texts]
    return codes or tuple(number for number in found if number == number)


@dataclass(frozen=True)
class Cut:
    """Break points that make levels of a number; `closed` says which end of an interval belongs to it."""

    breaks: tuple[float, ...]
    closed: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class FromColumn:
    """A variable that stands in the file.

    Attributes
    ----------
    column : str
        The header; empty where `position` is used.
    position : int
        Counted from 1; 0 where `column` is used.
    missing : tuple of MissingAnswer
    empty : str
        The reason of an empty cell.
    cut : Cut or None
    birth_year_in : float or None
        The year from which a birth year is subtracted to give an age.
    minimum, maximum : float or None
        The range of a number; a value outside is an error unless declared missing.
    """

    column: str = ""
    position: int = 0
    missing: tuple[MissingAnswer, ...] = ()
    empty: str = "no answer"
    cut: Cut | None = None
    birth_year_in: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Rule:
    """The level `id` for rows where `when` is true."""

    when: Condition
    id: str


@dataclass(frozen=True)
class FromRules:
    """A variable made of others by rules; the first that matches counts, `otherwise` is the reason if none does."""

    rules: tuple[Rule, ...]
    otherwise: str = "no rule applies"


@dataclass(frozen=True)
class FromVariable:
    """A variable made of another: by merging its answers, or by cutting a number into levels."""

    parent: str
    drop: tuple[str, ...] = ()
    cut: Cut | None = None


@dataclass(frozen=True)
class Declaration:
    """One variable: what it is, where it comes from, and what belongs to each level.

    Attributes
    ----------
    variable : Variable
    source : FromColumn, FromRules or FromVariable
    answers : tuple of Answer
    answers_in : str
        The table of answers that it shares with other variables, [answers.NAME]; empty where it has its own.
    """

    variable: Variable
    source: FromColumn | FromRules | FromVariable
    answers: tuple[Answer, ...] = ()
    answers_in: str = ""


@dataclass(frozen=True)
class Codebook:
    """A whole codebook. `declarations` stand in an order in which each can be made of those before it."""

    path: Path
    source: Source
    universe: Universe
    sampling: Sampling
    declarations: tuple[Declaration, ...]
    collapses: Mapping[str, Collapse]

    @property
    def variables(self) -> dict[str, Variable]:
        """The declared variables by name."""
        return {item.variable.name: item.variable for item in self.declarations}

    def where(self, name: str) -> str:
        """Give file and table of a variable, and of the answers that it shares, for messages."""
        shared = next((item.answers_in for item in self.declarations if item.variable.name == name), "")
        return f"{self.path}, [variables.{name}]" + (f" (answers: [answers.{shared}])" if shared else "")


def parents_of(item: Declaration) -> tuple[str, ...]:
    """Name the variables a variable is made of; none for one that stands in the file."""
    match item.source:
        case FromVariable(parent=parent):
            return (parent,)
        case FromRules(rules=rules):
            return tuple(dict.fromkeys(name for rule in rules for name in names_in(rule.when)))
        case FromColumn():
            return ()
