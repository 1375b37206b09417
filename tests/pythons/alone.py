"""``python alone.py FILE``: a saved posterior by ArviZ alone, whichever generation is installed; this package may not be imported."""

from __future__ import annotations

import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ArviZ 0 announces its successor at import
    import arviz as az


def main(path: str) -> None:
    """Open, summarise, compare and draw."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ArviZ on its own libraries
        data = az.from_netcdf(path)
        names = set(
            data.groups() if callable(data.groups) else (name.strip("/") for name in data.groups if name != "/")
        )
        wanted = {
            "posterior",
            "sample_stats",
            "observed_data",
            "posterior_predictive",
            "constant_data",
            "log_likelihood",
            "prior",
            "prior_predictive",
        }
        assert wanted <= names, wanted - names
        (outcome,) = data["observed_data"].data_vars
        summary = az.summary(data, var_names=["theta"])
        assert len(summary) == data["posterior"].sizes["parameter"]
        assert (summary["r_hat"].astype(float) < 1.02).all()
        left_out = az.loo(data, pointwise=True)
        elpd = float(getattr(left_out, "elpd_loo", getattr(left_out, "elpd", np.nan)))
        assert -10 * data["observed_data"].sizes["respondent"] < elpd < 0
        assert data["posterior_predictive"][outcome].dims == ("chain", "draw", "respondent")
        drawings(data)
    print(
        f"ArviZ {az.__version__} alone: {len(summary)} parameters, elpd {elpd:.1f}, {len(names)} groups, drawings made"
    )


def drawings(data: object) -> None:
    """Traces and predictive distributions, by the names that this generation has for them."""
    if hasattr(az, "plot_ppc"):
        az.plot_trace(data, var_names=["theta"])
        az.plot_ppc(data, num_pp_samples=20)
        az.plot_ppc(data, group="prior", num_pp_samples=20)
        return
    az.plot_trace_dist(data, var_names=["theta"], backend="matplotlib")
    az.plot_ppc_dist(data, num_samples=20, backend="matplotlib")
    az.plot_ppc_dist(data, group="prior_predictive", num_samples=20, backend="matplotlib")


if __name__ == "__main__":
    sys.modules["wwm_models"] = None  # type: ignore[assignment]  # importing it is an error from here on
    main(sys.argv[1])
