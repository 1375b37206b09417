"""Count, fit and adjust one table in a process of its own, and print seconds, memory and sums as JSON: one.py DATA CODEBOOK."""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np

from benchmarks.scale.tables import FORMULA, LEVELS, VARIABLES


def main(data: str, codebook: str) -> dict[str, object]:
    """What `benchmarks.scale` tabulates."""
    import ibis  # noqa: F401 - what is imported once is not timed
    import pyarrow  # noqa: F401

    import wwm_models as wwm
    from wwm_models.estimates.adjusted import adjusted
    from wwm_models.survey.sampling_design import summed_squares

    start = time.perf_counter()
    survey = wwm.read_counts(data, codebook, VARIABLES)
    counted = time.perf_counter()
    fit = wwm.fit(wwm.Model(FORMULA), survey)
    fitted = time.perf_counter()
    made = adjusted(fit, "age_group")
    done = time.perf_counter()
    strata = np.zeros(len(survey)) if survey.design is None else survey.design.strata[:, 0]
    keys = survey.frame.assign(stratum=strata).astype(object).fillna("?").astype(str)
    order = np.lexsort(keys.to_numpy().T)
    squares = summed_squares(survey.weights, survey.tally)
    return {
        "scan": counted - start, "fit": fitted - counted, "adjusted": done - fitted, "rows": int(survey.counts.sum()), "groups": len(survey),
        "n": fit.n, "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "status": fit.status,
        "parameters": len(fit.theta), "levels": {name: len(levels) for name, levels in LEVELS.items()},
        "estimate": made.table["estimate"].tolist(), "std_error": made.table["std_error"].tolist(),
        "keys": keys.iloc[order].agg("|".join, axis=1).tolist(), "counts": survey.counts[order].tolist(),
        "weights": survey.weights[order].tolist(), "squares": squares[order].tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3])))
