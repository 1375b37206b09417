"""Blocks and the whole array are one linear map; plain columns are patsy's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from patsy.highlevel import dmatrix

from wwm_models.models.formula import build_encoder, encode, plain_terms, readable_name
from wwm_models.models.linear_map import Blocks, Dense

ROWS, STEPS = 24, 3
PARTS = {
    "parallel": (np.eye(STEPS), 4, 0),
    "own": (-np.eye(STEPS), 0, 3),
    "both": (np.eye(STEPS), 2, 2),
    "equidistant": (np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), 3, 1),
    "cut points only": (np.eye(STEPS), 0, 0),
}


@pytest.fixture(params=PARTS.values(), ids=PARTS.keys())
def pair(request):
    basis, shared, specific = request.param
    rng = np.random.default_rng(8)
    blocks = Blocks(basis, rng.normal(3.0, 2.0, (ROWS, shared)), rng.normal(-1.0, 5.0, (ROWS, specific)))
    return blocks, Dense(blocks.array), rng


def test_blocks_answer_as_the_whole_array(pair):
    blocks, dense, rng = pair
    assert blocks.shape == dense.shape
    size = blocks.shape[2]
    thetas = rng.normal(size=(5, size))
    np.testing.assert_allclose(blocks.eta(thetas[0]), dense.eta(thetas[0]), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(blocks.etas(thetas), dense.etas(thetas), rtol=1e-12, atol=1e-12)
    slopes = rng.normal(size=(4, ROWS // 4, 2, STEPS))
    np.testing.assert_allclose(blocks.transpose_apply(slopes), dense.transpose_apply(slopes), rtol=1e-11, atol=1e-11)
    bends = rng.normal(size=(ROWS, STEPS, STEPS))
    bends = bends + bends.transpose(0, 2, 1)
    np.testing.assert_allclose(blocks.weighted_gram(bends), dense.weighted_gram(bends), rtol=1e-11, atol=1e-10)
    scores = rng.normal(size=(ROWS, 4, STEPS))
    np.testing.assert_allclose(blocks.row_products(scores), dense.row_products(scores), rtol=1e-12, atol=1e-12)
    where = np.array([3, 0, 3])
    np.testing.assert_array_equal(blocks.rows(where).array, dense.rows(where).array)


def test_standardised_parameters_give_the_same_predictors(pair):
    """And slopes' columns of mean zero (where cut points can move with them) and length one."""
    for linear in pair[:2]:
        weights = pair[2].uniform(0.5, 2.0, ROWS)
        transform = linear.standardising(weights)
        theta = pair[2].normal(size=linear.shape[2])
        moved = linear.changed(transform)
        np.testing.assert_allclose(
            moved.eta(np.linalg.solve(transform, theta)), linear.eta(theta), rtol=1e-11, atol=1e-11
        )
    blocks = pair[0]
    columns = blocks.changed(blocks.standardising(weights)).shared
    np.testing.assert_allclose(weights @ columns, 0.0, atol=1e-10)
    np.testing.assert_allclose(weights @ columns**2 / weights.sum(), 1.0, rtol=1e-12)


FORMULAS = (
    "a", "a + b", "a * b", "a + b + a:b", "a * b * c", "a * x", "x + a", "x + z + x:z + a", "a * b + b * c", "a:x + x + a", "1", "b + a + z*a",
)  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_plain_columns_are_patsys(formula):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {name: pd.Categorical(rng.choice(list("pqrs")[:size], 60)) for name, size in zip("abc", (2, 3, 4), strict=True)}
    )
    frame["x"], frame["z"] = rng.normal(size=60), rng.normal(size=60)
    assert plain_terms(formula, ("a", "b", "c")) is not None
    encoder, columns = build_encoder(formula, {name: frame[name].array for name in frame.columns}, 60)
    matrix = dmatrix(formula, frame)
    wanted = [readable_name(name) for name in matrix.design_info.column_names if name != "Intercept"]
    assert list(encoder.names) == wanted
    np.testing.assert_array_equal(columns, np.asarray(matrix)[:, 1:])
    np.testing.assert_array_equal(encode(encoder, frame.iloc[::-1]), columns[::-1])


@pytest.mark.parametrize(
    "formula", ["a:b", "a + a:b", "log(x)", "a - 1", "C(a)", "(a + b)**2", "0 + a", "a*b:c", "x^2"]
)
def test_other_formulas_are_left_to_patsy(formula):
    assert plain_terms(formula, ("a", "b", "c")) is None
