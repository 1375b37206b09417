"""The weight of every row as an expression of the engine, and what is known of all weights together."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from wwm_models.errors import SurveyError
from wwm_models.records.doubts import CODES, Spread
from wwm_models.records.survey import no_weights, wrong_weights
from wwm_models.survey.doubts import refuse_codes
from wwm_models.survey.inplace.contents import contents_of, infinite
from wwm_models.survey.inplace.grouped import Groups
from wwm_models.survey.inplace.looked import Table, asked
from wwm_models.survey.raw import some_rows
from wwm_models.survey.weighting import refuse_texts


def weight_of(table: Table) -> tuple[Any, Any]:
    """Give the weight, and whether it is a declared missing code (it is zero then).

    Raises
    ------
    SurveyError
        As `weighting.weights_of` does.
    """
    import ibis

    if not table.codebook.sampling.weight:
        return ibis.literal(1.0), ibis.literal(False)
    _refuse_wrong(table, _weight(table, table.place.table)[0])
    return _weight(table, table.rows)


def _weight(table: Table, rows: Any) -> tuple[Any, Any]:
    """The weight of some rows that have the columns of the table, and whether it is missing."""
    import ibis

    sampling = table.codebook.sampling
    where = f'{table.place.shown}: column "{sampling.weight}"'
    number = contents_of(rows[table.others[sampling.weight]], table.decimal, where, nan=table.place.nan).number
    without = (
        number.isin(list(sampling.weight_missing_codes)).fill_null(False)
        if sampling.weight_missing_codes
        else ibis.literal(False)
    )
    return ibis.ifelse(without, 0.0, number), without


def _refuse_wrong(table: Table, weight: Any) -> None:
    import ibis

    sampling, shown = table.codebook.sampling, table.place.shown
    coded = [weight == code for code in CODES]
    others: Any = ibis.ifelse(reduce(or_, coded), ibis.null("float64"), weight)
    found = asked(
        table.place,
        table.place.table,
        rows=table.place.table.count(),
        missing=(weight.isnull() | infinite(weight)).fill_null(True).sum(),
        negative=(weight < 0).fill_null(False).sum(),
        largest=weight.max(),
        others=others.max(),
        **{f"code{code}": one.fill_null(False).sum() for code, one in zip(CODES, coded, strict=True)},
    )
    if found["missing"]:
        _refuse_texts(table, weight, found["rows"])
    for name, what in (("missing", "missing or not a finite number"), ("negative", "negative")):
        if found[name]:
            raise SurveyError(f"{shown}: {wrong_weights(sampling.weight, some_rows(found[name], found['rows']), what)}")
    if not found["largest"]:
        raise SurveyError(f"{shown}: {no_weights(sampling.weight, found['rows'])}")
    if sampling.weight_kind == "sampling" and not sampling.accept_extreme_weights:
        counts = {code: int(found[f"code{code}"]) for code in CODES}
        refuse_codes(
            counts, found["others"] or 0.0, lambda code: some_rows(counts[code], found["rows"]), shown, table.codebook
        )


def _refuse_texts(table: Table, weight: Any, rows: int) -> None:
    """Refuse weights that are texts, in the words of the reader of files."""
    every = table.place.table
    column = every[table.others[table.codebook.sampling.weight]]
    if not column.type().is_string():
        return
    texts = every.mutate(text=column, number=weight).filter(lambda one: one.number.isnull() & (one.text.strip() != ""))
    counted = texts.group_by("text").aggregate(rows=texts.count()).order_by("text").limit(6)
    found = [(str(row["text"]), some_rows(int(row["rows"]), rows)) for row in table.place.ask(counted).to_pylist()]
    refuse_texts(table.place.shown, table.codebook, found)


def spread_of(table: Table, weight: Any, way: Any, groups: Groups) -> Spread:
    """Give what is known of the weights of the domain, from its groups."""
    inside = groups.way == 0
    rows, total = int(groups.rows.sum()), float(groups.weight[inside].sum())
    people = int(groups.rows[inside].sum())
    effect = people * float(groups.squares[inside].sum()) / max(total**2, 1e-300)

    def above(limit: float) -> str:
        return some_rows(int(table.ask(heavy=((way == 0) & (weight > limit)).sum())["heavy"] or 0), rows)

    return Spread(people, total, float(groups.largest[inside].max(initial=0.0)), effect, above)
