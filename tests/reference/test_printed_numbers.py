"""Numbers printed by others (books, vignettes, Stata, R), each within the tolerance of its print."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
NUMBERS = [
    pytest.param(path.parent.name, number, id=f"{path.parent.name}-{number['id']}")
    for path in sorted(HERE.glob("*/expected.json"))
    for number in json.loads(path.read_text(encoding="utf-8"))["expected"]
]


@pytest.mark.parametrize(("name", "number"), NUMBERS)
def test_number_is_the_printed_one(name, number, case):
    ours = case(name).number(number["of"])
    # the tolerance is the case's own: half a unit of the last printed digit, more where the source says why
    np.testing.assert_allclose(ours, number["value"], rtol=0, atol=number["tol"])
