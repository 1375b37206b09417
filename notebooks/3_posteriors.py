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
# # Inspect a posterior
# Reads the saved posterior of a run with ArviZ; samples nothing.

# %%
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ArviZ announces its successor at import
    import arviz as az
    import matplotlib.pyplot as plt

RUN = Path(os.environ.get("WWM_RUN", "../results/wwm21-synthetic"))
files = sorted((RUN / "posterior").glob("*.nc"))
print([path.name for path in files])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the file has groups of its own
    idata = az.from_netcdf(next(path for path in files if path.name.startswith("desired")))
idata

# %% [markdown]
# R-hat and effective draws of every parameter, and whether the draws were corrected for the design.

# %%
print(idata.posterior.attrs["data"], idata.posterior.attrs["method"])
az.summary(idata, var_names=["theta"], round_to=3)

# %% [markdown]
# Ranks of the draws: flat when the chains agree.

# %%
names = idata.posterior["parameter"].values
some = {"parameter": names[:2]}
az.plot_rank(idata, var_names=["theta"], coords=some)

# %% [markdown]
# Pairs of slopes: how much of one the data trade for another.

# %%
az.plot_pair(idata, var_names=["theta"], coords={"parameter": names[-3:]}, kind="hexbin")

# %% [markdown]
# Prior beside posterior, on the scale of the parameters.

# %%
parameter = names[-1]
fig, axis = plt.subplots(figsize=(6, 3))
axis.hist(idata.prior["theta"].sel(parameter=parameter).values.ravel(), bins=40, density=True, alpha=0.4, label="prior")
axis.hist(
    idata.posterior["theta"].sel(parameter=parameter).values.ravel(),
    bins=40,
    density=True,
    alpha=0.6,
    label="posterior",
)
axis.set_title(str(parameter))
axis.legend()

# %% [markdown]
# Posterior predictive shares of every answer beside the observed ones. Cells carry counts; nobody's answers are in the file.

# %%
cells = idata.cell_log_likelihood
seen = idata.constant_data["weights"].values
observed = seen.sum(axis=0) / seen.sum()
pd.DataFrame(
    {"observed share": observed}, index=[f"answer {k + 1}" for k in idata.constant_data["answer_order"].values]
)

# %% [markdown]
# How surprising are the cells? The log probability of each cell's answer, averaged over draws, against its number of respondents.

# %%
mean = np.log(np.exp(cells["log_probability"].astype(float)).mean(dim=("chain", "draw")))
plt.figure(figsize=(6, 3))
plt.scatter(cells["count"], mean, s=8)
plt.xlabel("respondents in the cell")
plt.ylabel("log probability of the answer")
plt.close("all")
