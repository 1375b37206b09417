"""Which adjusted numbers a claim is held against: of which model, and under which of its estimands.

A group of one exposure is judged by the primary model of the outcome, a group that crosses exposures by a model of the outcome with their
interaction: an additive model says of a crossed group what its form makes of the two margins. Everyone is not adjusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wwm_models.claims.article import Article
from wwm_models.estimates.causal_diagram import JOINT, TOTAL
from wwm_models.study.declarations import OVERALL, requests_of
from wwm_models.study.model_files import ModelSpec

By = tuple[str, ...]


@dataclass(frozen=True)
class Judges:
    """What judges the claims of an article that ask for one estimand.

    Attributes
    ----------
    article : Article
    specs : sequence of ModelSpec
        Of which the primary ones judge.
    asked : str
        The estimand; empty where neither claim nor article names one.
    """

    article: Article
    specs: Sequence[ModelSpec]
    asked: str = ""

    def model(self, outcome: str, by: By) -> ModelSpec | None:
        """The model that judges numbers of an outcome by these variables; None where the outcome has no primary model."""
        own = [spec for spec in self.specs if spec.outcome == outcome]
        primary = next((spec for spec in own if spec.primary), None)
        if len(by) < 2 or primary is None:
            return primary
        crossed = (spec for spec in (primary, *own) if crosses(spec, by))
        return next(crossed, primary)

    def label(self, spec: ModelSpec, by: By) -> str:
        """Under which label that model reports what judges; empty where it reports no such number."""
        there = [label for request in requests_of(spec, [by]) for label, own in request.reported if own == by]
        if len(by) != 1:
            return next((label for label in (JOINT, OVERALL) if label in there), "")
        if spec.diagram is not None:
            wanted = spec.diagram.estimand(by, self.asked)
            return wanted if wanted in there else ""
        others = [label for label in there if label != TOTAL]
        if self.asked == TOTAL or (not others and not self.asked):
            return TOTAL if TOTAL in there else ""
        return others[-1] if others else ""

    def chosen(self, spec: ModelSpec, label: str, by: By) -> bool:
        """Whether a model's numbers under a label judge."""
        judge = self.model(spec.outcome, by)
        return judge is not None and judge.name == spec.name and self.label(spec, by) == label

    @property
    def uncrossed(self) -> frozenset[tuple[str, By]]:
        """Combinations of variables by which the article speaks of an outcome, and for which its models have no interaction."""
        named = {
            (at.outcome, at.by): self.model(at.outcome, at.by) for at in self.article.references() if len(at.by) > 1
        }
        return frozenset(place for place, one in named.items() if one is not None and not crosses(one, place[1]))


def crosses(spec: ModelSpec, by: Iterable[str]) -> bool:
    """Whether an interaction of a model holds all of these variables."""
    return any(set(by) <= set(term.split(":")) for term in spec.interactions)


def judges_of(article: Article, specs: Sequence[ModelSpec]) -> Mapping[str, Judges]:
    """What judges the claims, by the estimand that they ask for; figures ask for the article's."""
    figures = [article.estimand] if article.figures else []
    every = dict.fromkeys([*(article.asked_of(one) for one in article.claims), *figures])
    return {asked: Judges(article, specs, asked) for asked in every}
