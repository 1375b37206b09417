"""Everything that the printed numbers allow: one polyhedron of answer probabilities per outcome.

Unknown are the probabilities ``p[a, h, k]`` of answer k in row a and column h of the declared margins ``w[a, h]``. They are
non-negative and add up to one over k. A printed percentage of a group G and an answer (or collapse) C, with rounding interval
[l, u], says

    l <= sum_{(a, h) in G} w[a, h] sum_{k in C} p[a, h, k] / sum_{(a, h) in G} w[a, h] <= u.

Everyone, and a group formed by one exposure, hold those whose other exposure is unknown or in no figure as well. The adjusted
value of row a is the same sum standardised over the columns' distribution among those who are in a reported row and a known
column, ``sum_h q[h] sum_{k in C} p[a, h, k]``; of a column likewise over the rows; of everyone, over both. The adjusted value of a
group that joins several rows (columns, cells) is the mean of theirs, weighted by their share of everyone.

A declared limit delta on the interaction adds free ``alpha[a, c]`` and ``beta[h, c]`` for every reported answer or collapse c and
``|sum_{k in c} p[a, h, k] - alpha[a, c] - beta[h, c]| <= delta`` in every known column. The unknown column is a mixture of the others
in shares that may differ by row, so no limit is set on it.

References
----------
Duncan, O. D. and Davis, B. (1953). An alternative to ecological correlation. American Sociological Review 18, 665-666.
Manski, C. F. (1995). Identification Problems in the Social Sciences. Harvard University Press.
Horowitz, J. L. and Manski, C. F. (1995). Identification and robustness with contaminated and corrupted data. Econometrica 63,
281-302.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from wwm_models.claims.article import Article, Published, Reference
from wwm_models.errors import ArticleError, did_you_mean, listed
from wwm_models.identification.joint_table import Margins
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import Polyhedron


@dataclass(frozen=True, eq=False)
class Region:
    """What is known of one outcome.

    Attributes
    ----------
    margins : Margins
    outcome : str
    weights : (rows, columns) array
        The margins, adding up to 1.
    categories : mapping of name to places of answers
        Every answer, and the collapses that the article speaks of.
    size : int
        How many answers there are.
    printed : tuple of Published
        The printed numbers that bear on it.
    """

    margins: Margins
    outcome: str
    weights: Array
    categories: dict[str, tuple[int, ...]]
    size: int
    printed: tuple[Published, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, answers."""
        return (*self.weights.shape, self.size)

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for two outcomes of which the same is known: what is true of one holds for the other."""
        limits = tuple((self.members(number.at), number.at.group, number.limits) for number in self.printed)
        return self.size, frozenset(self.categories.values()), limits

    def members(self, reference: Reference) -> tuple[int, ...]:
        """Places of the answers that a category stands for."""
        return self.categories[reference.category]

    def raw(self, reference: Reference) -> Array:
        """The form whose value is the weighted percentage of a group, as a figure prints it."""
        return self._form(reference, self.weights * self._group(reference))

    def adjusted(self, reference: Reference) -> Array:
        """The form whose value is standardised over the other exposure's distribution."""
        reported = self.weights * np.outer(*self._reported())
        group = self._part_of(reference)
        chosen = self._group(reference)
        sizes = self.weights if reference.joined else np.ones(self.weights.shape)
        if self.margins.rows in group and self.margins.columns not in group:
            return self._form(reference, chosen * reported.sum(axis=0) * sizes.sum(axis=1)[:, None])
        if self.margins.columns in group and self.margins.rows not in group:
            return self._form(reference, chosen * reported.sum(axis=1)[:, None] * sizes.sum(axis=0))
        return self._form(reference, chosen * sizes if group else reported)

    def with_printed(self, numbers: Sequence[Published]) -> Region:
        """The same, knowing of its printed numbers only those among these."""
        return replace(self, printed=tuple(number for number in self.printed if number in numbers))

    def printed_rows(self, numbers: Sequence[Published]) -> tuple[Array, Array, Array]:
        """Forms of printed numbers, and their rounding intervals."""
        limits = np.array([number.limits for number in numbers], dtype=np.float64).reshape(-1, 2).clip(0.0, 1.0)
        forms = np.array([self.raw(number.at) for number in numbers]).reshape(-1, self.weights.size * self.size)
        return forms, limits[:, 0], limits[:, 1]

    def polyhedron(self, delta: float = np.inf, printed: Sequence[Published] | None = None) -> Polyhedron:
        """All probabilities that agree with the printed numbers and the limit on the interaction.

        Parameters
        ----------
        delta : float
            Probability scale, 0 or more; infinite without a limit.
        printed : sequence of Published, optional
            Instead of all.
        """
        cells, size = self.weights.size, self.size
        forms, lower, upper = self.printed_rows(self.printed if printed is None else printed)
        rows = np.vstack([np.kron(np.eye(cells), np.ones(size)), forms])
        effects = self._interaction() if np.isfinite(delta) else np.zeros((0, cells * size))
        free = effects.shape[1] - cells * size
        rows = np.vstack([np.hstack([rows, np.zeros((len(rows), free))]), effects])
        return Polyhedron(
            sparse.csr_matrix(rows),
            np.concatenate([np.ones(cells), lower, np.full(len(effects), -delta)]),
            np.concatenate([np.ones(cells), upper, np.full(len(effects), delta)]),
            np.append(np.zeros(cells * size), np.full(free, -np.inf)),
            np.append(np.ones(cells * size), np.full(free, np.inf)),
        )

    def has_weight(self, reference: Reference) -> bool:
        """Whether anybody is in a group."""
        return bool((self.weights * self._group(reference)).sum() > 0)

    def entropy_weights(self) -> Array:
        """The share of everyone that each probability concerns."""
        return np.repeat(self.weights.ravel(), self.size)

    def _interaction(self) -> Array:
        """One row per cell of a known column and reported category: its probability less alpha and beta."""
        rows, columns, size = self.shape
        known = np.flatnonzero(self._reported()[1])
        members = sorted(set(self.categories.values()))
        inside = np.zeros((len(members), size))
        for place, chosen in enumerate(members):
            inside[place, list(chosen)] = 1.0
        cell = np.eye(rows * columns)[(np.arange(rows)[:, None] * columns + known).ravel()]
        alpha = np.kron(np.eye(rows), np.ones((len(known), 1)))
        beta = np.kron(np.ones((rows, 1)), np.eye(len(known)))[:, 1:]  # the first is 0: alpha takes it
        each = np.eye(len(members))
        effects = np.hstack([np.kron(cell, inside), -np.kron(alpha, each), -np.kron(beta, each)])
        return effects.astype(np.float64)

    def _form(self, reference: Reference, weights: Array) -> Array:
        form = np.zeros(self.shape)
        form[:, :, list(self.members(reference))] = (weights / weights.sum())[:, :, None]
        return form.ravel()

    def _part_of(self, reference: Reference) -> dict[str, tuple[str, ...]]:
        """The levels of a group by exposure, without exposures of which it has all: these leave everyone in."""
        every = {
            self.margins.rows: {str(row) for row in self.margins.table.index},
            self.margins.columns: {str(column) for column in self.margins.table.columns} - {self.margins.unknown},
        }
        return {name: own for name, own in reference.levels.items() if set(own) != every[name]}

    def _group(self, reference: Reference) -> Array:
        """Ones in the cells of a group."""
        chosen = np.ones(self.weights.shape)
        for name, own in self._part_of(reference).items():
            if name == self.margins.rows:
                chosen *= np.array([[row in own] for row in map(str, self.margins.table.index)])
            else:
                chosen *= np.array([[column in own for column in map(str, self.margins.table.columns)]])
        return chosen

    def _reported(self) -> tuple[Array, Array]:
        table = self.margins.table
        return (
            np.array([float(row not in self.margins.outside) for row in map(str, table.index)]),
            np.array([float(column != self.margins.unknown) for column in map(str, table.columns)]),
        )


def spoken_of(article: Article, margins: Margins) -> tuple[list[Reference], list[Reference]]:
    """References that the margins can place, and those whose groups are formed by something else.

    Raises
    ------
    ArticleError
        If an answer, or a level of one of the two exposures, is not known.
    """
    placed: list[Reference] = []
    others: list[Reference] = []
    for reference in dict.fromkeys(article.references()):
        if set(reference.by) <= {margins.rows, margins.columns}:
            _check(reference, margins)
            placed.append(reference)
        else:
            others.append(reference)
    return placed, others


def regions(article: Article, margins: Margins, placed: Sequence[Reference]) -> dict[str, Region]:
    """One region per outcome that the article speaks of."""
    weights = margins.table.to_numpy(dtype=np.float64)
    weights = weights / weights.sum()
    usable = set(placed)
    found: dict[str, Region] = {}
    for outcome in dict.fromkeys(reference.outcome for reference in placed):
        answers = margins.answers[outcome]
        categories: dict[str, tuple[int, ...]] = {answer: (place,) for place, answer in enumerate(answers)}
        for reference in placed:
            if reference.outcome == outcome and reference.category not in categories:
                chosen = margins.collapses[outcome][reference.category]
                categories[reference.category] = tuple(sorted(answers.index(answer) for answer in chosen))
        printed = tuple(
            number
            for number in article.published
            if number.value is not None and number.at.outcome == outcome and number.at in usable
        )
        region = Region(margins, outcome, weights, categories, len(answers), printed)
        for number in printed:
            if not region.has_weight(number.at):
                raise ArticleError(
                    f"{number.id} prints a percentage of {number.at}, a group that has no weight in the margins. "
                    "Expected a share above 0. Repair that cell of the margins, or the group of the number."
                )
        found[outcome] = region
    return found


def _check(reference: Reference, margins: Margins) -> None:
    if reference.outcome not in margins.answers:
        raise ArticleError(
            f"The article speaks of {reference.outcome}, whose answers the margins do not hold. Known outcomes: "
            f"{listed(margins.answers, 40)}.{did_you_mean(reference.outcome, margins.answers)} Read the margins with the codebook of the study."
        )
    known = [*margins.answers[reference.outcome], *margins.collapses.get(reference.outcome, {})]
    if reference.category not in known:
        raise ArticleError(
            f"The article speaks of {reference}, but the answers of {reference.outcome} are: {listed(known, 40)}."
            f"{did_you_mean(reference.category, known)} Name one of these."
        )
    for name, own in reference.levels.items():
        levels = margins.levels(name)
        for level in own:
            if level not in levels:
                raise ArticleError(
                    f'The article speaks of {name} = "{level}", which the margins do not have. Its levels there: {listed(levels, 20)}.'
                    f"{did_you_mean(level, levels)} Name one of these, or add it to the margins."
                )
