"""The rule behind every verdict, in words: printed with the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

UNTESTABLE: Final = "cannot be tested"
RULES: Final = MappingProxyType(
    {
        "value": MappingProxyType(
            {
                "en": "a printed value is reproduced when the raw percentage may be rounded to it, a half up or down; for adjusted the shift is given",
                "nl": "een gedrukte waarde is gereproduceerd als het ruwe percentage erop kan zijn afgerond, een half naar boven of beneden; "
                "voor gecorrigeerd staat de verschuiving er",
            }
        ),
        "range": MappingProxyType(
            {
                "en": "a range is reproduced when the raw percentage lies in it or may be rounded to one of its ends; for adjusted the shift is given",
                "nl": "een bereik is gereproduceerd als het ruwe percentage erin ligt of op een van de uiteinden kan zijn afgerond; "
                "voor gecorrigeerd staat de verschuiving er",
            }
        ),
        "bound": MappingProxyType(
            {
                "en": "a bound holds when the whole {two}% interval lies on its side, and reverses when all of it lies on the other",
                "nl": "een grens klopt als het hele {two}%-interval aan de goede kant ligt, en keert om als het er geheel aan de andere kant ligt",
            }
        ),
        "order": MappingProxyType(
            {
                "en": "an order holds when a one-sided {one}% test puts the difference above its margin, and reverses when one puts it below",
                "nl": "een volgorde klopt als een eenzijdige toets van {one}% het verschil boven de marge legt, en keert om als die het eronder legt",
            }
        ),
        "ratio": MappingProxyType(
            {
                "en": "a ratio holds when its {two}% interval, made on the log scale, lies in the range, and reverses when it lies outside",
                "nl": "een verhouding klopt als het {two}%-interval, gemaakt op de logschaal, in het bereik ligt, en keert om als het erbuiten ligt",
            }
        ),
        "equivalence": MappingProxyType(
            {
                "en": "equality holds when two one-sided {one}% tests put every difference within the margin, and reverses when one is beyond it, "
                "at a level that holds for all its differences together (largest t)",
                "nl": "gelijkheid klopt als twee eenzijdige toetsen van {one}% elk verschil binnen de marge leggen, en keert om als er een buiten ligt, "
                "op een niveau dat voor alle verschillen samen geldt (grootste t)",
            }
        ),
        "count": MappingProxyType(
            {
                "en": "a printed number of respondents is reproduced when the raw numbers rest on exactly as many, unweighted",
                "nl": "een gedrukt aantal respondenten is gereproduceerd als de ruwe getallen op precies zo veel berusten, ongewogen",
            }
        ),
        "all": MappingProxyType(
            {
                "en": "a conjunction holds when all its parts do (intersection-union) and reverses when one does, at a level that holds for all its numbers "
                "together (largest t); its posterior probability is "
                "that of all parts at once where they are of one posterior, and otherwise a lower bound (Bonferroni)",
                "nl": "een conjunctie klopt als alle delen kloppen (doorsnede-vereniging) en keert om als er een omkeert, op een niveau dat voor alle getallen "
                "samen geldt (grootste t); de posterieure kans is die "
                "van alle delen tegelijk als ze van een posterior zijn, en anders een ondergrens (Bonferroni)",
            }
        ),
    }
)
OTHERWISE: Final = MappingProxyType(
    {
        "en": "otherwise weaker when adjustment moved it significantly away (the interval of adjusted minus raw excludes 0), else undecided, "
        "as are sides that are equal without uncertainty, answers that nobody gave "
        "and numbers whose uncertainty cannot be estimated",
        "nl": "anders zwakker als de correctie het significant wegschoof (het interval van gecorrigeerd min ruw sluit 0 uit), en anders onbeslist, "
        "net als kanten die zonder onzekerheid gelijk zijn, antwoorden die "
        "niemand gaf en getallen waarvan de onzekerheid niet te schatten is",
    }
)


def rules_text(kinds: Iterable[str], lang: str, level: float) -> list[str]:
    """The rules of these kinds of claims, one sentence each, and what holds for all.

    Parameters
    ----------
    kinds : iterable of str
    lang : {"nl", "en"}
    level : float
        Of the intervals, above 0 and below 1.

    Examples
    --------
    >>> rules_text(["order"], "en", 0.95)[0][:40]
    'an order holds when a one-sided 5% test '
    """
    chosen = [kind for kind in RULES if kind in set(kinds)]
    words = {"two": f"{100 * level:g}", "one": f"{100 * (1 - level):.3g}"}
    return [*(RULES[kind][lang].format(**words) for kind in chosen), OTHERWISE[lang]]
