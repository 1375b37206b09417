"""What an adjusted number is of: exposure, adjusters, target population and averaging rule, and the same in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wwm_models.errors import AdjustError, did_you_mean

LANGUAGES = ("nl", "en")
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
    "sample": ("de steekproef", "the sample"),
    "balanced": ("een gebalanceerde bevolking", "a balanced population"),
    "another survey": ("een andere enquête", "another survey"),
}
_AVERAGED = {
    "weighted respondents": ("gewogen gemiddelde van respondenten", "weighted mean over respondents"),
    "equal weight per combination": ("elke combinatie telt even zwaar", "every combination counts equally"),
    "weighted respondents, raked to margins": (
        "respondenten gewogen naar opgegeven bevolkingsaantallen",
        "respondents weighted to declared population margins",
    ),
}
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
        lang : {"nl", "en"}
        names : mapping of variable to its label, optional

        Raises
        ------
        AdjustError
            If the language is not known.
        """
        if lang not in LANGUAGES:
            raise AdjustError(f'lang="{lang}" is not known. Expected "nl" or "en".{did_you_mean(lang, LANGUAGES)}')
        return _SENTENCES[lang](self, names or {})


def _joined(names: Sequence[str]) -> str:
    return "+".join(names) or "none"


def _names(text: str) -> tuple[str, ...]:
    return () if text in ("", "none") else tuple(text.split("+"))


def _listed(names: Sequence[str], labels: Mapping[str, str], conjunction: str) -> str:
    shown = [labels.get(name, name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {conjunction} {shown[-1]}"


def _population(estimand: Estimand, language: int, labels: Mapping[str, str], conjunction: str) -> str:
    given = _GIVEN.match(estimand.population)
    if given is None:
        return _POPULATIONS.get(estimand.population, (estimand.population,) * 2)[language]
    crossed = (" naar ", " by ")[language]
    parts = [crossed.join(labels.get(one, one) for one in name.split(":")) for name in given[1].split("+")]
    listed = _listed(parts, {}, conjunction)
    return (f"een bevolking met opgegeven verdeling van {listed}", f"a population with declared margins of {listed}")[
        language
    ]


def _dutch(estimand: Estimand, labels: Mapping[str, str]) -> str:
    exposure = _listed(estimand.exposure, labels, "en") if estimand.exposure else ""
    if estimand.quantity == "raw share":
        per = f" per groep van {exposure}" if exposure else ""
        return f"Gewogen aandeel van elk antwoord onder de respondenten{per}, zonder correctie."
    others = f", met {_listed(estimand.adjusters, labels, 'en')} zoals die zijn" if estimand.adjusters else ""
    who = _population(estimand, 0, labels, "en")
    averaged = _AVERAGED.get(estimand.averaging, (estimand.averaging,) * 2)[0]
    setting = f"als iedereen in {who} hetzelfde niveau van {exposure} had" if exposure else f"over {who}"
    return f"{_made(estimand, 'nl')} van elk antwoord {setting}{others} ({averaged})."


def _english(estimand: Estimand, labels: Mapping[str, str]) -> str:
    exposure = _listed(estimand.exposure, labels, "and") if estimand.exposure else ""
    if estimand.quantity == "raw share":
        per = f" in each group of {exposure}" if exposure else ""
        return f"Weighted share of each answer among the respondents{per}, without adjustment."
    others = f", with {_listed(estimand.adjusters, labels, 'and')} as they are" if estimand.adjusters else ""
    who = _population(estimand, 1, labels, "and")
    averaged = _AVERAGED.get(estimand.averaging, (estimand.averaging,) * 2)[1]
    setting = f"if everyone in {who} had the same {exposure}" if exposure else f"over {who}"
    return f"{_made(estimand, 'en')} of each answer {setting}{others} ({averaged})."


_MADE = {
    "": ("Kans", "Probability"),
    "difference of": ("Verschil in kans", "Difference in probability"),
    "ratio of": ("Verhouding van kansen", "Ratio of probabilities"),
}


def _made(estimand: Estimand, lang: str) -> str:
    words = _MADE.get(estimand.quantity)
    if words is None:
        return f"{estimand.quantity[:1].upper()}{estimand.quantity[1:]}"
    return words[LANGUAGES.index(lang)]


_SENTENCES = {"nl": _dutch, "en": _english}
