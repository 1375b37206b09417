"""Where an article contradicts itself: two claims with which no numbers can agree at once.

A claim says of percentages, or of their differences and ratios, where they lie. Two claims contradict each other when no percentages from 0 to 100 lie
where both put them, which is a linear program over the percentages that they name: a ratio n / d between l and u says ``l d <= n <= u d``.
What the data say has no part in it, nor has the printed value of a number that is no claim.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse

from wwm_models.claims.article import Article, Claim
from wwm_models.claims.claim_kinds import SIGNS
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.estimates.number_key import NumberKey
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import Polyhedron, feasible

_STRICT: Final = (
    1e-4  # percentage points that "more than" is more: far below any margin, far above the solver's tolerance
)
_SOMEBODY: Final = 0.01  # percent: of a ratio somebody gave the answer below the line
Row = tuple[dict[NumberKey, float], float, float]


def contradictions(article: Article) -> list[tuple[str, str]]:
    """Pairs of claims that cannot both be true, by their ids; a claim that contradicts itself is paired with itself.

    Parameters
    ----------
    article : Article

    Returns
    -------
    list of (id, id)
        In the order of the article.

    Examples
    --------
    >>> from wwm_models.claims.article import Reference
    >>> old, young = (Reference("wish", "never", (("age", age),)) for age in ("old", "young"))
    >>> sides = {"greater": young, "lesser": old}
    >>> somewhat = Claim("C08", "order", references=sides, numbers={"margin": 0.0, "below": 5.0})
    >>> clearly = Claim("C51", "order", references=sides, numbers={"margin": 5.0})
    >>> contradictions(Article(claims=(somewhat, clearly)))
    [('C08', 'C51')]
    """
    said = [(claim.id, _rows(claim), _counts(claim)) for claim in article.claims if not claim.missing]
    impossible = {name for name, rows, _ in said if rows and not _possible(rows)}
    found = [(name, name) for name, _, _ in said if name in impossible]
    for (one, rows, counts), (other, others, other_counts) in itertools.combinations(said, 2):
        if {one, other} & impossible:
            continue
        counted = any(n != other_counts[of] for of, n in counts.items() if of in other_counts)
        shared = {key for row, _, _ in rows for key in row} & {key for row, _, _ in others for key in row}
        if counted or (shared and not _possible([*rows, *others])):
            found.append((one, other))
    return found


def contradicting(article: Article) -> dict[str, tuple[str, ...]]:
    """By claim, the claims that it contradicts; itself where it can never be true."""
    found: dict[str, tuple[str, ...]] = {}
    for one, other in contradictions(article):
        for name, against in dict.fromkeys([(one, other), (other, one)]):
            found[name] = (*found.get(name, ()), against)
    return found


def _counts(claim: Claim) -> dict[frozenset[NumberKey], float]:
    """Numbers of respondents that a claim gives, by what they are of."""
    every = (leaf for leaf in leaves(claim) if leaf.about.judged == "counted")
    return {frozenset(at.key for at in leaf.references.values()): leaf.numbers["n"] for leaf in every}


def _rows(claim: Claim) -> list[Row]:
    """What a claim says, as percentages with factors, and the limits of their sum."""
    rows: list[Row] = []
    for leaf in leaves(claim):
        region = leaf.region
        inside = _STRICT if region.strict else 0.0
        low, high = region.lower + inside, region.upper - inside
        for roles in leaf.roles:
            keys = [leaf.references[role].key for role in roles]
            if leaf.about.arithmetic.ratio:
                rows.append(({keys[1]: 1.0}, _SOMEBODY, 100.0))
                rows.append(({keys[0]: 1.0, keys[1]: -low}, 0.0, np.inf))
                rows += [({keys[0]: 1.0, keys[1]: -high}, -np.inf, 0.0)] if np.isfinite(high) else []
            else:
                rows.append((dict(zip(keys, SIGNS[len(keys)], strict=True)), low, high))
    return rows


def _possible(rows: Sequence[Row]) -> bool:
    """Whether some percentages agree with everything that is said."""
    keys = list(dict.fromkeys(key for row, _, _ in rows for key in row))
    matrix: Array = np.zeros((len(rows), len(keys)))
    for place, (row, _, _) in enumerate(rows):
        for key, factor in row.items():
            matrix[place, keys.index(key)] = factor
    lower, upper = (np.array([row[end] for row in rows]) for end in (1, 2))
    return feasible(Polyhedron(sparse.csr_matrix(matrix), lower, upper, np.zeros(len(keys)), np.full(len(keys), 100.0)))
