# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data and weights
# Who is in the data of a run, who was left out and why, and what the weights cost. Reads a results folder; fits nothing.

# %%
import os
from pathlib import Path

import pandas as pd

RUN = Path(os.environ.get("WWM_RUN", "../results/wwm21-synthetic"))
tables = {name: pd.read_csv(RUN / f"{name}.csv") for name in ("accounting", "raw", "diagnostics")}
print("data:", tables["raw"]["data"].iloc[0])

# %% [markdown]
# Rows in, rows out, by reason.

# %%
tables["accounting"]

# %% [markdown]
# Weighted percentages with the unweighted numbers they rest on. `n_effective` is what is left after weighting and clustering.

# %%
raw = tables["raw"]
raw.loc[
    raw["by"] == "age_group",
    ["outcome", "category", "group", "estimate", "lower", "upper", "count", "n", "n_effective"],
].head(20)

# %% [markdown]
# Kish's design effect of the weights, and the test of weighted against unweighted slopes, model by model.

# %%
checks = tables["diagnostics"]
checks[checks["check"].isin(["design_effect_of_weights", "n_effective", "weights_matter_p"])]
