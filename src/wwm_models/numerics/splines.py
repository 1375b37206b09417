"""Natural cubic splines: cubic between knots, straight beyond the outer ones.

With knots t_1 < ... < t_k the columns are x and, for j = 1..k-2,
[(x - t_j)_+^3 - (x - t_{k-1})_+^3 (t_k - t_j) / (t_k - t_{k-1}) + (x - t_k)_+^3 (t_{k-1} - t_j) / (t_k - t_{k-1})] / (t_k - t_1)^2.
Together with a constant they span the same functions as splines::ns of R; the first column alone is the straight line.

References
----------
Stone, C. J. and Koo, C.-Y. (1985). Additive splines in statistics. Proceedings of the Statistical Computing Section ASA, 45-48.
Harrell, F. E. (2015). Regression Modeling Strategies, 2nd ed., section 2.4.5. Springer. doi:10.1007/978-3-319-19425-7
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def natural_spline(x: Array, knots: Array) -> Array:
    """Columns of a natural cubic spline.

    Parameters
    ----------
    x : (n,) array
    knots : (k,) array
        Increasing, 2 or more; the first and last bound the part that bends.

    Returns
    -------
    (n, k - 1) array
        In units of x.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [[0.0, 0.0], [1.0, 0.25], [2.0, 1.5]]
    """
    early, last, end = knots[:-2], knots[-2], knots[-1]
    cube = np.maximum(x[:, None] - knots[None, :], 0.0) ** 3
    bent = cube[:, :-2] - cube[:, -2:-1] * (end - early) / (end - last) + cube[:, -1:] * (last - early) / (end - last)
    return np.column_stack([x, bent / (end - knots[0]) ** 2])


def quantile_knots(x: Array, df: int) -> Array:
    """The outer knots at the smallest and largest value, df - 1 inner ones at equally spaced quantiles, as splines::ns.

    Examples
    --------
    >>> quantile_knots(np.arange(5.0), 2).tolist()
    [0.0, 2.0, 4.0]
    """
    return np.quantile(x, np.linspace(0.0, 1.0, df + 1))
