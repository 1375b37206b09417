"""The list of planted defects is alive: each can still be planted, and the test that catches it still exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from benchmarks.mutations.__main__ import ROOT, Mutation, mutations

ALL = mutations()


@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: mutation.id)
def test_a_defect_can_still_be_planted_and_its_test_exists(mutation: Mutation):
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    ast.parse(mutation.planted(text))
    file, _, function = mutation.caught_by.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert function.split("[")[0] in names


def test_the_list_is_long_enough_and_its_names_are_distinct():
    assert len({mutation.id for mutation in ALL}) == len(ALL) >= 24


def test_a_text_that_is_not_there_cannot_be_planted():
    lost = Mutation("lost", "", "src/wwm_models/errors.py", "no such text", "", "tests/test_architecture.py::x")
    with pytest.raises(ValueError, match="lost: the text to replace stands 0 times"):
        lost.planted(Path(ROOT / lost.file).read_text(encoding="utf-8"))
