"""Models that would tell a suppressed percentage, though they say nothing of its group.

The equations by which a likelihood is maximised are linear in the counts and hold at the published coefficients: for every parameter
the scores of the answers, weighted by the respondents who gave them, sum to zero. Whoever knows the respondents of every
combination of a model's predictors thus has as many equations as there are parameters, for a saturated model one for every cell;
and an adjusted percentage of a saturated model is a weighted mean of the cells that totals leave open.

The attacker of this package knows the respondents of every combination of the variables that numbers are reported by. So a model
of nothing but such variables says nothing beside a suppressed percentage of its question, by whatever engine; unless the raw
percentages by just its predictors are published in full, from which all of it could be computed anyway. Further predictors, whose
combinations are not published, keep the equations open.

References
----------
Reznek, A. P. (2003). Disclosure risks in cross-section regression models. Proceedings of the American Statistical Association,
Section on Government Statistics (models of dummies are tables).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from wwm_models.disclosure.published import Raws
from wwm_models.disclosure.tables import Withheld


@dataclass(frozen=True)
class ModelOf:
    """A model: the question it is of, and the predictors of each of its fits."""

    name: str
    outcome: str
    fits: tuple[frozenset[str], ...]


def told_by_equations(models: Iterable[ModelOf], raws: Raws, withheld: Withheld) -> set[str]:
    """Give the names of models whose equations are about suppressed percentages and nothing else that is hidden.

    Parameters
    ----------
    models : iterable of ModelOf
    raws : mapping of outcome to mapping of by-variables to Estimates
        Everything that raw percentages are reported by.
    withheld : Withheld
    """
    suppressed = _suppressed_tables(withheld)
    return {
        model.name
        for model in models
        if suppressed.get(model.outcome)
        and any(_open(fit, raws.get(model.outcome, {}), suppressed[model.outcome]) for fit in model.fits)
    }


def _suppressed_tables(withheld: Withheld) -> dict[str, set[frozenset[str]]]:
    """For each question the tables, as sets of variables, of which something is left out."""
    found: dict[str, set[frozenset[str]]] = {}
    for outcome, group, _ in withheld.values:
        names = frozenset(part.split("=", 1)[0] for part in group.split(";") if part)
        found.setdefault(outcome, set()).add(names)
    return found


def _open(
    fit: frozenset[str], reported: Mapping[tuple[str, ...], object], suppressed: Collection[frozenset[str]]
) -> bool:
    """Whether the attacker knows all combinations of a fit's predictors but not all percentages by them."""
    tables = [frozenset(by) for by in reported]
    return fit <= frozenset[str]().union(*tables) and (fit not in tables or fit in suppressed)
