"""``python -m benchmarks.ledger [draws]``: is the ledger honest? Wrongly certain verdicts, named causes, family-wise error.

Three simulations on synthetic respondents whose truth is declared. (1) Random draws of four populations: how often a verdict is certain ("holds"
or "reverses") and wrong about the true number under the claim's own estimand, and under the direct effects. (2) A population in which the age
difference in one outcome is entirely one of household: what the ledger says of it, and whether it names household. (3) Eight
outcomes and three ages without any association: how often some comparison of the family is significant at 5%.
"""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Reference
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.claims.fragility import satisfies
from wwm_models.claims.lookup import keys_of
from wwm_models.claims.verdicts import Sources, judge
from wwm_models.demo.declared_truth import DECLARED, true_adjusted
from wwm_models.demo.respondents import random_answers
from wwm_models.demo.truth import AnswerLaw, Truth
from wwm_models.errors import SeparationError
from wwm_models.estimates.causal_diagram import DESCRIPTIVE, DIRECT
from wwm_models.estimates.contrasts import family_of_tests
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joined_groups import combinations
from wwm_models.estimates.number_key import NumberKey
from wwm_models.study.declarations import Declared, model_of, read_study, requests_of
from wwm_models.study.fits import Decompositions, nothing_of
from wwm_models.study.model_files import bundled_study
from wwm_models.study.result_tables import claim_sources

HERE = Path(__file__).parent
LEVEL = 0.95
ASKED = ("", DIRECT)  # each exposure's own estimand, and what does not run through what lies between
LARGE = 5000  # respondents, so that the raw difference is certain and its loss is seen
AGES = ("18-34", "35-49", "50-64")
COLLAPSES = {
    "desired": {"at_least_weekly": ("several_per_week", "almost_daily")},
    "before": {"before_at_least_weekly": ("several_per_week", "almost_daily")},
    "concentration_direction": {"not_negative": ("none", "positive")},
    "amount_of_work_direction": {"not_negative": ("none", "positive")},
}


@dataclass(frozen=True)
class Tally:
    """How often verdicts fell, and how often a certain one was wrong."""

    verdicts: Counter[str]
    wrong: Counter[str]
    judged: int

    @property
    def share_wrong(self) -> float:
        """Of all verdicts, those that were certain and wrong."""
        return sum(self.wrong.values()) / self.judged


def judged_claims(article: Article) -> list[Claim]:
    """Claims with a verdict on the adjusted number: no printed values and ranges, which are judged on raw."""
    every = [claim for claim in article.claims if not claim.missing]
    return [claim for claim in every if all(leaf.about.judged == "tested" for leaf in leaves(claim))]


def study() -> Declared:
    """The article's study: its claims, its diagram and its models."""
    return read_study(bundled_study("wwm21"), None, engines=["likelihood"], level=LEVEL, lang="en")


def truth_of(claims: Iterable[Claim], declared: Declared, truth: Truth = DECLARED, asked: str = "") -> dict[str, bool]:
    """Whether each claim is true of a declared population, under the estimand that it or its exposure has, or under one that is asked for."""
    assert declared.article.diagram is not None
    found: dict[str, bool] = {}
    for claim in claims:
        points: dict[object, float] = {}
        references = list(claim.every_reference())
        for outcome, by in dict.fromkeys((at.outcome, at.by) for at in references):
            estimand = declared.article.diagram.estimand(by, asked or claim.estimand)
            held = [] if estimand == DESCRIPTIVE else declared.article.diagram.adjusters(by, estimand)
            table = true_adjusted(outcome, list(by) or None, held_equal=held, truth=truth)
            points |= dict(zip(keys_of(table, by), table["estimate"], strict=True))
            for name, members in COLLAPSES.get(outcome, {}).items():
                rows = table[table["category"].isin(members)].assign(category=name)
                sums = rows.groupby([*by, "outcome", "category"], sort=False, as_index=False)["estimate"].sum()
                points |= dict(zip(keys_of(sums, by), sums["estimate"], strict=True))
        points |= {at.key: _true_union(at, points, truth) for at in references if at.joined}
        found[claim.id] = bool(satisfies(claim, points))
    return found


def _true_union(at: Reference, points: Mapping[object, float], truth: Truth) -> float:
    """Of levels joined: the mean of their true numbers, weighted by their true sizes."""
    groups = combinations(at.levels)
    patterns = truth.patterns
    inside = [np.logical_and.reduce([patterns[name] == level for name, level in group]) for group in groups]
    sizes = np.array([patterns.loc[rows, "share"].sum() for rows in inside])
    values = np.array([points[NumberKey.of(at.outcome, at.category, group)] for group in groups])
    return float(sizes @ values / sizes.sum())


def sources_of(
    declared: Declared, frame: pd.DataFrame, asked: Sequence[str] = ("",), *, why: bool = False
) -> dict[str, Sources]:
    """What a draw's claims are held against under each estimand that is asked for, chosen as a run chooses it."""
    article = declared.article
    survey = wwm.Survey.from_frame(frame, weight="weight")
    named: dict[str, set[tuple[str, ...]]] = {}
    for at in article.references():
        named.setdefault(at.outcome, set()).add(at.by)
    raws = {
        outcome: {by: wwm.raw(survey, outcome, by or None, collapses=COLLAPSES.get(outcome)) for by in sorted(own)}
        for outcome, own in named.items()
    }
    specs = [spec for spec in declared.models if spec.outcome in named and (spec.primary or spec.interactions)]
    results, causes = [], []
    for spec in specs:
        own = sorted(by for by in named[spec.outcome] if len(by) > 1)
        estimates: list[tuple[str, Estimates]] = []
        tables: list[tuple[str, pd.DataFrame]] = []
        for request in requests_of(spec, own):
            model = model_of(spec, request)
            try:
                fitted = wwm.fit(model, survey)
            except SeparationError:  # nobody of a small group gave some answer: no adjusted number
                continue
            for label, by in request.reported:
                if by in named[spec.outcome]:
                    estimates.append((label, wwm.adjusted(fitted, by or None, collapses=COLLAPSES.get(spec.outcome))))
                    if why and by:
                        parts = wwm.decompose(model, survey, by, collapses=COLLAPSES.get(spec.outcome))
                        tables.append((label, parts))
        results.append(
            nothing_of(spec, "") if not estimates else replace(nothing_of(spec, ""), estimates=tuple(estimates))
        )
        causes.append(Decompositions(spec.name, tuple(tables)))
    found: dict[str, Sources] = {}
    for one in asked:
        figures = replace(article, estimand=one)
        found[one] = claim_sources(figures, specs, results, causes, raws, "en", LEVEL, 0)[one]
    return found


def wrongly_certain(seeds: Iterable[int], declared: Declared, truth: Truth = DECLARED) -> dict[str, Tally]:
    """Verdicts on random draws of a population against what is true of it: by each exposure's own estimand, and by the direct effects."""
    claims = judged_claims(declared.article)
    spoken = replace(declared, article=replace(declared.article, claims=tuple(claims), published=(), figures=()))
    true = {asked: truth_of(claims, declared, truth, asked) for asked in ASKED}
    tallies = {asked: Tally(Counter(), Counter(), 0) for asked in ASKED}
    for seed in seeds:
        sources = sources_of(spoken, random_answers(seed, truth=truth), ASKED)
        for asked, tally in tallies.items():
            for claim in claims:
                verdict = judge(claim, sources[asked]).verdict
                tally.verdicts[verdict] += 1
                tally.wrong[claim.id] += verdict == ("reverses" if true[asked][claim.id] else "holds")
            tallies[asked] = replace(tally, judged=tally.judged + len(claims))
    return {asked: replace(tally, wrong=+tally.wrong) for asked, tally in tallies.items()}


def ageless() -> Truth:
    """Age acts only through household: it has no effect of its own on any outcome, so that many claims about age are false."""
    return _without("age_group")


def householdless() -> Truth:
    """Household acts only through age: raw differences between households are those of their ages."""
    return _without("household")


def _without(factor: str) -> Truth:
    truth = DECLARED
    for outcome in DECLARED.laws:
        truth = truth.without(outcome, factor)
    return truth


def crossed() -> Truth:
    """Age and household cross in every outcome: those who live alone are lower when young and higher when old."""
    term = "age_group:household"
    laws = {
        name: replace(law, effects=MappingProxyType({**law.effects, term: _crossing(law)}))
        for name, law in DECLARED.laws.items()
    }
    return replace(DECLARED, laws=MappingProxyType(laws))


def _crossing(law: AnswerLaw) -> Mapping[str, tuple[float, ...]]:
    width = len(next(iter(law.effects["gender"].values())))
    return {"18-34:single": (-0.5,) * width, "50-64:single": (0.5,) * width, "65-70:single": (0.5,) * width}


def household_only() -> Truth:
    """Age has no effect of its own on the wish; household has four times its declared effect."""
    truth = DECLARED.without("desired", "age_group")
    law = truth.law("desired")
    effects = {
        term: MappingProxyType({level: tuple(4.0 * x for x in values) for level, values in effect.items()})
        if term == "household"
        else effect
        for term, effect in law.effects.items()
    }
    laws = {**truth.laws, "desired": replace(law, effects=MappingProxyType(effects))}
    return replace(truth, laws=MappingProxyType(laws))


def age_claim() -> Claim:
    """That those aged 50-64 want it more often than those aged 18-34."""
    found = {
        role: Reference("desired", "at_least_weekly", (("age_group", level),))
        for role, level in (("greater", "50-64"), ("lesser", "18-34"))
    }
    return Claim("age", "order", references=MappingProxyType(found))


def named_causes(seeds: Iterable[int], n: int) -> list[tuple[str, str, str]]:
    """(raw verdict, verdict, reason) of the age claim where only household matters."""
    claim, truth, declared = age_claim(), household_only(), study()
    article = replace(declared.article, claims=(claim,), published=(), figures=(), estimand=DIRECT)
    found: list[tuple[str, str, str]] = []
    for seed in seeds:
        sources = sources_of(
            replace(declared, article=article), random_answers(seed, n, truth=truth), (DIRECT,), why=True
        )
        evidence = judge(claim, sources[DIRECT])
        found.append((evidence.raw, evidence.verdict, evidence.reason))
    return found


def family_errors(seeds: Iterable[int], n: int = 1530) -> list[bool]:
    """Whether some of 8 outcomes x 3 pairs of ages is significant although ages are shuffled."""
    outcomes = list(DECLARED.laws)[:8]
    found: list[bool] = []
    for seed in seeds:
        frame = random_answers(seed, n)
        known = frame["age_group"].notna()
        frame = frame[known].assign(age_group=np.random.default_rng(seed).permutation(frame["age_group"][known]))
        frame = frame.assign(age_group=pd.Categorical(frame["age_group"], AGES, ordered=True))
        survey = wwm.Survey.from_frame(frame, weight="weight")
        tables = [
            wwm.contrasts(wwm.raw(survey, outcome, "age_group"), "age_group", pairwise=True) for outcome in outcomes
        ]
        smallest = min(float(table["p_max_t"].min()) for table in family_of_tests([_last(table) for table in tables]))
        found.append(smallest < 0.05)
    return found


def _last(table: Estimates) -> Estimates:
    """Only the highest answer: one comparison per outcome and pair."""
    from wwm_models.estimates.joint_distribution import joint_distribution

    last = table.table["category"].iloc[-1]
    rows = np.flatnonzero((table.table["category"] == last).to_numpy())
    law = joint_distribution([(table, np.eye(len(table.table))[rows])])
    return Estimates(
        table.table.iloc[rows].reset_index(drop=True), table.by, law.covariance, law.contributions, None, law.df
    )


def _population(name: str, tally: Tally, false: int, draws: int) -> list[str]:
    shown = ", ".join(f"{count} {verdict}" for verdict, count in tally.verdicts.most_common())
    worst = ", ".join(f"{claim} {100 * count / draws:.0f}%" for claim, count in tally.wrong.most_common(4)) or "none"
    return [
        f"| population {name}: {draws} draws x {tally.judged // draws} claims, of which {false} are false | {shown} |",
        f"| ... wrongly certain, of all verdicts | {100 * tally.share_wrong:.2f}% |",
        f"| ... wrongly certain, claim by claim: of draws of that claim; the most frequent | {worst} |",
    ]


POPULATIONS: dict[str, Callable[[], Truth]] = {
    "as declared": lambda: DECLARED,
    "where age acts only through household": ageless,
    "where household acts only through age": householdless,
    "where age and household cross": crossed,
}


def main() -> None:
    """Simulate, print and write results/ledger.md."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    declared = study()
    claims, each = judged_claims(declared.article), draws // len(POPULATIONS)
    tallies: dict[tuple[str, str], Tally] = {}
    false: dict[tuple[str, str], int] = {}
    for place, (name, truth) in enumerate(POPULATIONS.items()):
        for asked, tally in wrongly_certain(range(1 + place * each, 1 + (place + 1) * each), declared, truth()).items():
            tallies[name, asked] = tally
            false[name, asked] = sum(not one for one in truth_of(claims, declared, truth(), asked).values())
    causes = named_causes(range(1, draws // 2 + 1), LARGE)
    held = [(verdict, reason) for raw, verdict, reason in causes if raw == "holds"]
    moved = [reason for verdict, reason in held if verdict in ("weaker", "reverses")]
    errors = family_errors(range(1, 2 * draws + 1))
    judged = sum(tally.judged for tally in tallies.values())
    wrong = sum(sum(tally.wrong.values()) for tally in tallies.values())
    lines = [
        f"# The ledger on synthetic respondents, {datetime.date.today().isoformat()}",
        "",
        f"`python -m benchmarks.ledger {draws}`; SYNTHETIC respondents with a declared truth; n = 1,530 unless said otherwise.",
        "",
        "| what | figure |",
        "|---|---|",
        f"| verdicts on adjusted numbers | {judged} |",
        f"| **wrongly certain, of all verdicts** | **{100 * wrong / judged:.2f}%** |",
        *(
            line
            for (name, asked), tally in tallies.items()
            for line in _population(f"{name}, {asked or 'own estimands'}", tally, false[name, asked], each)
        ),
        f"| age difference that is all household, n = {LARGE}: raw holds, of {len(causes)} draws | {len(held)} |",
        f"| ... of which the adjusted verdict is weaker or reverses | {len(moved)} |",
        f"| ... of which the reason names household as the largest part | {sum('most by household' in reason for reason in moved)} |",
        f"| family-wise error of 8 outcomes x 3 ages without association, {len(errors)} draws | {100 * np.mean(errors):.1f}% |",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results" / "ledger.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
