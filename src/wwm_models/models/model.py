"""The declared model: formula, family, link and options, checked when it is made; and every family by name.

To add a family, write its file and one line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from wwm_models.arguments import refuse_misfit
from wwm_models.errors import ModelError, did_you_mean, listed
from wwm_models.models.cumulative import CUMULATIVE
from wwm_models.models.logit_linear import ADJACENT, MULTINOMIAL
from wwm_models.models.sequential import CONTINUATION, STOPPING

FAMILIES = MappingProxyType(
    {family.name: family for family in (CUMULATIVE, ADJACENT, STOPPING, CONTINUATION, MULTINOMIAL)}
)


THRESHOLDS = ("flexible", "equidistant", "symmetric")


@dataclass(frozen=True)
class Model:
    """A response model for one outcome.

    Parameters
    ----------
    formula : str
        ``"outcome ~ predictors"`` in patsy's language; cut points (intercepts) are always there. Beyond patsy: ``ns(x, df=3)`` is a
        natural spline, ``mo(x)`` a monotonic effect of an ordered predictor, ``C(x, Step)`` codes differences between neighbours.
    family : {"cumulative", "adjacent", "stopping", "continuation", "multinomial"}
        How the probabilities of the answers hang on the linear predictor.
    link : {"logit", "probit", "cloglog", "loglog", "cauchit"}
        Adjacent and multinomial models have the logit only.
    nonproportional : tuple of str
        Terms of the formula whose slopes differ between the cut points (partial proportional odds).
    thresholds : {"flexible", "equidistant", "symmetric"}
        Whether cut points are free, equally far apart, or mirrored around their middle.
    thresholds_by : str or None
        Variable with levels; each has cut points of its own, of the structure that `thresholds` names.
    scale : str or None
        Formula of the log standard deviation, for example ``"~ gender"``; cumulative family only.
    reverse : bool
        Read the answers from the highest to the lowest.
    baseline : str or None
        Reference answer of a multinomial model; the first unless given.

    Raises
    ------
    ModelError
        If a name is unknown or the combination is not a model.

    Examples
    --------
    >>> Model("desired ~ age_group + gender", family="cumulative", link="probit").link
    'probit'
    """

    formula: str
    family: str = "cumulative"
    link: str = "logit"
    nonproportional: tuple[str, ...] = ()
    thresholds: str = "flexible"
    scale: str | None = None
    reverse: bool = False
    baseline: str | None = None
    thresholds_by: str | None = None

    def __post_init__(self) -> None:
        refuse_misfit(Model, "nonproportional", self.nonproportional, str | Sequence[str])
        for name in ("formula", "family", "link", "thresholds"):
            refuse_misfit(Model, name, getattr(self, name), str)
        for name in ("scale", "baseline", "thresholds_by"):
            refuse_misfit(Model, name, getattr(self, name), str | None)
        refuse_misfit(Model, "reverse", self.reverse, bool)
        if isinstance(self.nonproportional, str):
            object.__setattr__(self, "nonproportional", (self.nonproportional,))
        object.__setattr__(self, "nonproportional", tuple(self.nonproportional))
        _check_known("family", self.family, tuple(FAMILIES), "families")
        family = FAMILIES[self.family]
        _check_known("link", self.link, family.links, f"links of the {self.family} family")
        _check_known("thresholds", self.thresholds, THRESHOLDS, "structures of cut points")
        if self.baseline is not None and family.cut_names != "intercepts":
            raise ModelError(
                f'`baseline` belongs to the multinomial family; the family here is "{self.family}". Leave it out.'
            )
        if self.thresholds != "flexible" and not family.ordered_answers:
            raise ModelError(
                f'The {self.family} family has intercepts, not cut points: thresholds="{self.thresholds}" means nothing.'
            )
        if self.thresholds_by is not None and not family.ordered_answers:
            raise ModelError(
                f'The {self.family} family has intercepts, not cut points: thresholds_by = "{self.thresholds_by}" means nothing. '
                "Put the variable in the formula."
            )
        if self.scale is not None and not family.ordered_cuts:
            raise ModelError(
                f'`scale` belongs to the cumulative family; the family here is "{self.family}". Leave it out.'
            )
        if self.formula.count("~") != 1 or not self.formula.split("~")[0].strip():
            raise ModelError(f'The formula "{self.formula}" has no outcome. Expected "outcome ~ predictors".')

    @property
    def outcome(self) -> str:
        """Name of the variable left of the tilde."""
        return self.formula.split("~")[0].strip()


def _check_known(field: str, value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise ModelError(
            f'`{field} = "{value}"` is not one of the {what}. Known: {listed(known, most=20)}.{did_you_mean(value, known)}'
        )
