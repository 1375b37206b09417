"""A number is found by outcome, category and group, however its group is written."""

from __future__ import annotations

import pandas as pd
import pytest

from wwm_models.claims.article import Article, Published, Reference
from wwm_models.disclosure.determined import rows_of
from wwm_models.estimates.number_key import NumberKey, group_text, keys_of, levels_written, written_keys
from wwm_models.study.robustness import printed_note
from wwm_models.survey.survey import Survey

GROUPS = [{}, {"home": "alone"}, {"home": "alone; for now"}, {"home": "a=b", "age": "<30;>60"}, {"home": "two\nlines"}]


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_a_number_has_one_key_as_record_as_row_and_as_text(group: dict[str, str]):
    reference = Reference("wish", "yes", tuple(group.items()))
    by, text = ";".join(group), ";".join(f"{name}={level}" for name, level in group.items())
    row = {"outcome": "wish", "category": "yes"}
    assert reference.key == reference.ordered.key == NumberKey.written("wish", "yes", by, text)
    assert keys_of(pd.DataFrame([{**group, **row}]), list(group)) == [reference.key]
    assert written_keys(pd.DataFrame([{**row, "by": by, "group": text}])) == [reference.key]


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_a_printed_number_beside_an_adjusted_one_is_counted_as_such(group: dict[str, str]):
    article = Article(published=(Published("P1", Reference("wish", "yes", tuple(group.items())), 50.0, "integer", ""),))
    row = {"model": "wish", "outcome": "wish", "category": "yes", "by": ";".join(group)}
    table = pd.DataFrame([{**row, "group": ";".join(f"{name}={level}" for name, level in group.items())}])
    assert printed_note(article, table, ["wish"]) == "printed numbers: 1, of which 1 are beside adjusted ones"


@pytest.mark.parametrize("group", GROUPS[1:], ids=repr)
def test_a_written_group_is_its_levels_and_its_respondents_again(group: dict[str, str]):
    frame = pd.DataFrame([group, dict.fromkeys(group, "other")])
    text, _ = group_text(frame, list(group))
    assert dict(levels_written(text, list(group))) == group
    assert rows_of(text, Survey.from_frame(frame, weight=None)).tolist() == [True, False]
