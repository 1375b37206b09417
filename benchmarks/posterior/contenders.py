"""One contender in a process of its own: ``python -m benchmarks.posterior.contenders NAME ROWS``; prints its seconds and smallest bulk ESS as JSON.

The same rows and default priors for all. `bambi` needs neither this package nor its environment: only the csv file with the rows.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

PREDICTORS = ("age_group", "household", "gender", "education", "employment", "sector")
DRAWS, CHAINS = 1000, 4


def rows(path: str):
    """The rows as a frame of categories; answers in the order of their numbers."""
    import pandas as pd

    frame = pd.read_csv(path)
    named = [name for name in PREDICTORS if name in frame]
    made = {name: pd.Categorical(frame[name]) for name in named}
    return pd.DataFrame({**made, "y": pd.Categorical(frame["y"], ordered=True)}), "y ~ " + " + ".join(named)


def ours(path: str) -> dict[str, float]:
    """What wwm.sample takes."""
    import wwm_models as wwm
    from wwm_models.bayes.sampler import compiled_library

    frame, formula = rows(path)
    survey, model = wwm.Survey.from_frame(frame, weight=None), wwm.Model(formula)
    compiled_library()
    imported = time.perf_counter()
    post = wwm.sample(model, survey, seed=1, draws=DRAWS, chains=CHAINS)
    spent = time.perf_counter() - imported
    return {
        "imported": imported, "sampling": spent, "ess": float(post.health["ess_bulk"].min()), "parameters": post.draws.shape[1],
    }  # fmt: skip


def of_pymc(name: str, path: str) -> dict[str, float]:
    """The readable model of this package through PyMC's own sampler or nutpie's."""
    import arviz as az
    import pymc as pm

    from benchmarks.posterior.readable import readable

    frame, formula = rows(path)
    imported = time.perf_counter()
    with readable(formula, frame) as model:
        if name == "pymc":
            data = pm.sample(DRAWS, chains=CHAINS, progressbar=False, random_seed=1)
            spent = float(data.posterior.attrs["sampling_time"])
        else:
            import nutpie

            compiled = nutpie.compile_pymc_model(model)
            ready = time.perf_counter()
            data = nutpie.sample(compiled, draws=DRAWS, chains=CHAINS, seed=1, progress_bar=False)
            spent = time.perf_counter() - ready
    return {"imported": imported, "sampling": spent, "ess": float(az.ess(data, var_names=["theta"])["theta"].min())}


def bambi(path: str) -> dict[str, float]:
    """The same formula in bambi, with its own priors."""
    import arviz as az
    import bambi as bmb

    frame, formula = rows(path)
    imported = time.perf_counter()
    data = bmb.Model(formula, frame, family="cumulative").fit(
        draws=DRAWS, chains=CHAINS, progressbar=False, random_seed=1
    )
    sizes = [float(value.min()) for value in az.ess(data).data_vars.values()]
    return {"imported": imported, "sampling": float(data.posterior.attrs["sampling_time"]), "ess": min(sizes)}


def main(name: str, path: str) -> None:
    """Print what one contender took."""
    started = time.perf_counter()
    warnings.simplefilter("ignore")
    found = {"ours": ours, "bambi": bambi}[name](path) if name in ("ours", "bambi") else of_pymc(name, path)
    print(json.dumps({**found, "imports": found["imported"] - started}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
