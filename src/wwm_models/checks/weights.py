"""Do the sampling weights matter? The weighted and the unweighted estimates of one model, compared.

If the weights carry no information about the answers given the predictors, both estimate the same parameters. The difference
d of the two has covariance V from the respondents' joint influence, and d' V^-1 d is chi-square.

References
----------
DuMouchel, W. H. and Duncan, G. J. (1983). Using sample survey weights in multiple regression analyses of stratified samples.
JASA 78, 535-543. doi:10.1080/01621459.1983.10478006
Pfeffermann, D. (1993). The role of sampling weights when modeling survey data. International Statistical Review 61, 317-337.
doi:10.2307/1403631
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.ratio import refuse_monotone
from wwm_models.checks.wald import reference_note, wald
from wwm_models.engines import fit as refitted
from wwm_models.engines.covariance import covariance, joined
from wwm_models.errors import AdjustError
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest


def weights_matter(fit: Fit) -> HypothesisTest:
    """Test that weighted and unweighted estimates of the slopes agree.

    Parameters
    ----------
    fit : Fit
        With sampling weights.

    Returns
    -------
    HypothesisTest
        Over all slopes (not the cut points, which follow the shares of the answers); the table has a row per parameter with
        both estimates.

    Raises
    ------
    AdjustError
        If there are no sampling weights or no slopes.
    """
    refuse_unusable(fit)
    refuse_monotone(fit, "weights_matter")
    slopes = np.flatnonzero(~fit.design.is_cut)
    if fit.survey.weight_kind != "sampling" or not len(slopes):
        raise AdjustError(
            "weights_matter compares weighted with unweighted slopes; this fit has no sampling weights or no slopes."
        )
    once = fit.survey.unweighted()
    once = replace(once, weights=np.where(fit.survey.weights > 0, once.weights, 0.0), weight_kind="sampling")
    plain = refitted(fit.model, once, vcov="robust", aliased="drop")
    own = np.eye(len(fit.theta))
    gap = joined(fit.theta_influence, plain.theta_influence).mapped(np.hstack([own, -own]))
    difference = (fit.theta - plain.theta)[slopes]
    joint = covariance(gap)[np.ix_(slopes, slopes)]
    table = pd.DataFrame([wald(difference[[i]], joint[[i]][:, [i]], fit.design_df).row() for i in range(len(slopes))])
    table.index = pd.Index([fit.design.names[j] for j in slopes], name="term")
    table = table.assign(weighted=fit.theta[slopes], unweighted=plain.theta[slopes])
    result = wald(difference, joint, fit.design_df)
    return HypothesisTest(
        "Weighted against unweighted slopes",
        result.statistic,
        result.df,
        result.p_value,
        table,
        reference_note(fit),
        result.df2,
    )
