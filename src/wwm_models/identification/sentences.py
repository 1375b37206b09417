"""The article's own sentences, assumed to be true of raw percentages.

Every claim puts each of its quantities between two ends, by the record of its kind, and so is a set of linear rows: a majority, more than
40, a quarter, an order with its margin, equal within some points, a ratio once multiplied by its denominator. "More than" is closed:
its end is allowed too, with a tolerance of nothing but the solver's 1e-7, so that a population for which the sentence is true is
always among those that are left.

Why no table agrees with the sentences: the deletion filter of `solve.conflict`, over claims first and then over printed numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from wwm_models.claims.article import Article, Claim
from wwm_models.errors import ArticleError, did_you_mean, listed
from wwm_models.identification.solve import BoundedQuantity, Regions, Sentence, blocks_of
from wwm_models.messages import in_language
from wwm_models.numerics.linear_programs import feasible


def sentences_of(
    raw: Mapping[str, Sequence[BoundedQuantity]],
    words: bool | Sequence[str],
    without: Collection[str],
    article: Article,
) -> list[Sentence]:
    """The claims that are assumed to be true of raw.

    Parameters
    ----------
    raw : mapping of claim to its quantities
        Empty where a claim has none in the margins.
    words : bool or sequence of str
        All, or these.
    without : collection of str
        But for these.
    article : Article

    Raises
    ------
    ArticleError
        If a name is no claim of the article.
    """
    named = () if isinstance(words, bool) else words
    known = [claim.id for claim in article.claims]
    for name in (*named, *without):
        if name not in known:
            raise ArticleError(
                f'The sentences name "{name}", which is no claim of the article. Known: {listed(known, 100)}.'
                f"{did_you_mean(name, known)} Name one of these, or leave it out."
            )
    chosen = known if words is True else named
    return [Sentence(name, tuple(raw[name])) for name in known if name in chosen and name not in without and raw[name]]


def check_sentences(regions: Regions, sentences: Sequence[Sentence], article: Article) -> None:
    """Refuse sentences that no table agrees with, beside the printed numbers.

    Raises
    ------
    ArticleError
        Naming a minimal set of sentences that exclude each other, and the printed numbers that they need for it.
    """
    if _agree(regions, sentences):
        return
    kept = list(sentences)
    for sentence in sentences:
        without = [other for other in kept if other is not sentence]
        if not _agree(regions, without):
            kept = without
    concerned = dict.fromkeys(name for sentence in kept for name in sentence.outcomes)
    own = {name: regions[name] for name in concerned}
    numbers = [number for region in own.values() for number in region.printed]
    for number in list(numbers):
        fewer = [other for other in numbers if other is not number]
        if not _agree({name: region.with_printed(fewer) for name, region in own.items()}, kept):
            numbers = fewer
    claims = {claim.id: claim for claim in article.claims}
    named = [_named(claims[sentence.id]) for sentence in kept]
    named += [f"{number.id}: {number.value:g}% {number.at}" for number in numbers]
    raise ArticleError(
        f"No table agrees with the margins, the printed numbers and all of these: {'; '.join(named)}. Expected sentences that one population "
        "can have, each true of its raw percentages. Without any one of them there is a table: check the claims in article.toml, "
        f"or leave one out: without = [{', '.join(repr(sentence.id) for sentence in kept[:1])}]".replace("'", '"')
        + " in margins.toml, or --without."
    )


def _agree(regions: Regions, sentences: Sequence[Sentence]) -> bool:
    return all(feasible(block.polyhedron) for block in blocks_of(regions, float("inf"), sentences))


def _named(claim: Claim) -> str:
    said = in_language(claim.statement, "en")
    return f"{claim.id}: {said}" if said else claim.id
