"""``python -m benchmarks.ledger [draws]``: is the ledger honest? Wrongly certain verdicts, named causes, family-wise error.

Three simulations on synthetic respondents whose truth is declared. (1) Random draws of the default population: how often a
verdict is certain ("holds" or "reverses") and wrong about the true adjusted number. (2) A population in which the age
difference in one outcome is entirely one of household: what the ledger says of it, and whether it names household. (3) Eight
outcomes and three ages without any association: how often some comparison of the family is significant at 5%.
"""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Reference
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.claims.fragility import satisfies
from wwm_models.claims.lookup import keys_of, pool_of
from wwm_models.claims.reasons import parts_of
from wwm_models.claims.verdicts import Sources, judge
from wwm_models.demo.declared_truth import DECLARED, true_adjusted
from wwm_models.demo.respondents import random_answers
from wwm_models.demo.truth import Truth
from wwm_models.errors import SeparationError
from wwm_models.estimates.contrasts import family_of_tests
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joined_groups import combinations
from wwm_models.estimates.number_key import NumberKey
from wwm_models.study.declarations import model_of, requests_of
from wwm_models.study.model_files import bundled_study, read_models

HERE = Path(__file__).parent
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


def truth_of(claims: Iterable[Claim], truth: Truth = DECLARED) -> dict[str, bool]:
    """Whether each claim is true of the declared population, adjusted for household."""
    sets = {(at.outcome, tuple(sorted(at.by))) for claim in claims for at in claim.every_reference()}
    points: dict[object, float] = {}
    for outcome, by in sets:
        table = true_adjusted(outcome, list(by) or None, truth=truth)
        points |= dict(zip(keys_of(table, by), table["estimate"], strict=True))
        for name, members in COLLAPSES.get(outcome, {}).items():
            rows = table[table["category"].isin(members)].assign(category=name)
            sums = rows.groupby([*by, "outcome", "category"], sort=False, as_index=False)["estimate"].sum()
            points |= dict(zip(keys_of(sums, by), sums["estimate"], strict=True))
    joined = {at for claim in claims for at in claim.every_reference() if at.joined}
    points |= {at.key: _true_union(at, points, truth) for at in joined}
    return {claim.id: bool(satisfies(claim, points)) for claim in claims}


def _true_union(at: Reference, points: Mapping[object, float], truth: Truth) -> float:
    """Of levels joined: the mean of their true numbers, weighted by their true sizes."""
    groups = combinations(at.levels)
    patterns = truth.patterns
    inside = [np.logical_and.reduce([patterns[name] == level for name, level in group]) for group in groups]
    sizes = np.array([patterns.loc[rows, "share"].sum() for rows in inside])
    values = np.array([points[NumberKey.of(at.outcome, at.category, group)] for group in groups])
    return float(sizes @ values / sizes.sum())


def sources_of(article: Article, frame: pd.DataFrame, outcomes: Iterable[str], *, why: bool = False) -> Sources:
    """Raw and adjusted numbers of a draw for everything the article speaks about."""
    survey = wwm.Survey.from_frame(frame, weight="weight")
    raws: list[Estimates] = []
    adjusted: list[Estimates] = []
    tables: list[pd.DataFrame] = []
    for spec in read_models(bundled_study("wwm21")):
        if not spec.primary or spec.outcome not in outcomes:
            continue
        model = model_of(spec, requests_of(spec)[0])
        try:
            fitted = wwm.fit(model, survey)
        except SeparationError:  # a random draw in which nobody of a small group gave some answer: no adjusted number
            continue
        for by in dict.fromkeys(tuple(sorted(at.by)) for at in article.references() if at.outcome == spec.outcome):
            named = COLLAPSES.get(spec.outcome)
            raws.append(wwm.raw(survey, spec.outcome, by or None, collapses=named))
            adjusted.append(wwm.adjusted(fitted, by or None, collapses=named))
            if why and by:
                tables.append(wwm.decompose(model, survey, by, collapses=named))
    shares = pool_of(raws)
    return Sources(shares, pool_of(adjusted, shares), None, parts_of(tables))


def wrongly_certain(seeds: Iterable[int], article: Article, truth: Truth = DECLARED) -> Tally:
    """Verdicts on random draws of a population against what is true of it."""
    claims = judged_claims(article)
    true = truth_of(claims, truth)
    outcomes = {at.outcome for claim in claims for at in claim.every_reference()}
    spoken = replace(article, claims=tuple(claims), published=())
    verdicts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    count = 0
    for seed in seeds:
        sources = sources_of(spoken, random_answers(seed, truth=truth), outcomes)
        for claim in claims:
            verdict = judge(claim, sources).verdict
            verdicts[verdict] += 1
            count += 1
            wrong[claim.id] += verdict == ("reverses" if true[claim.id] else "holds")
    return Tally(verdicts, +wrong, count)


def ageless() -> Truth:
    """Age has no effect of its own on any outcome, so that many claims about age are false."""
    truth = DECLARED
    for outcome in DECLARED.laws:
        truth = truth.without(outcome, "age_group")
    return truth


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
    claim, truth = age_claim(), household_only()
    article = Article(claims=(claim,))
    found: list[tuple[str, str, str]] = []
    for seed in seeds:
        sources = sources_of(article, random_answers(seed, n, truth=truth), {"desired"}, why=True)
        evidence = judge(claim, sources)
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


def main() -> None:
    """Simulate, print and write results/ledger.md."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    article = wwm.read_article(bundled_study("wwm21") / "article.toml")
    half = draws // 2
    tallies = {
        "as declared": wrongly_certain(range(1, half + 1), article),
        "without effects of age": wrongly_certain(range(half + 1, draws + 1), article, ageless()),
    }
    populations = dict(zip(tallies, (DECLARED, ageless()), strict=True))
    true = {name: truth_of(judged_claims(article), truth) for name, truth in populations.items()}
    false = {name: sum(not one for one in found.values()) for name, found in true.items()}
    causes = named_causes(range(1, half + 1), LARGE)
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
        *(line for name, tally in tallies.items() for line in _population(name, tally, false[name], half)),
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
