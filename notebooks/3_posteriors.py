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
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from patsy import dmatrix
from scipy.special import expit
from scipy.stats import gaussian_kde

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ArviZ announces its successor at import
    import arviz as az
    import matplotlib.pyplot as plt

ARVIZ_0 = int(az.__version__.split(".")[0]) < 1  # on Python 3.11; ArviZ 1 has other names for some drawings
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
# Traces and ranks of the draws: stationary and flat when the chains agree.

# %%
names = list(idata.posterior["parameter"].values)
some = {"parameter": names[-2:]}
if ARVIZ_0:
    az.plot_trace(idata, var_names=["theta"], coords=some, compact=False)
    az.plot_rank(idata, var_names=["theta"], coords=some)
else:
    az.plot_trace_dist(idata, var_names=["theta"], coords=some, backend="matplotlib")
    az.plot_rank_dist(idata, var_names=["theta"], coords=some, backend="matplotlib")

# %% [markdown]
# Pairs of slopes: how much of one the data trade for another.

# %%
last = {"var_names": ["theta"], "coords": {"parameter": names[-3:]}}
az.plot_pair(idata, **last, kind="hexbin") if ARVIZ_0 else az.plot_pair(idata, **last, backend="matplotlib")

# %% [markdown]
# Prior beside posterior, on the scale of the parameter.

# %%
fig, axis = plt.subplots(figsize=(6, 3))
for group in ("prior", "posterior"):
    axis.hist(
        idata[group]["theta"].sel(parameter=names[-1]).values.ravel(), bins=40, density=True, alpha=0.5, label=group
    )
axis.set_title(str(names[-1]))
axis.legend()

# %% [markdown]
# ## From parameters to percentages
# The file holds the formula and every pattern of predictors with its respondents, so adjusted percentages need nothing else: give
# everyone the same age group, keep the rest, and average. Of a cumulative logit P(Y <= k) = F(cut_k - x b).

# %%
encoder = json.loads(idata.constant_data.attrs["encoder"])
assert (encoder["family"], encoder["link"]) == ("cumulative", "logit")
patterns = pd.DataFrame(
    {name: pd.Categorical(encoder["patterns"][name], levels) for name, levels in encoder["levels"].items()}
)
weights = idata.constant_data["weights"].values.sum(axis=1)
theta = idata.posterior["theta"].values.reshape(-1, len(names))
cuts = theta[:, : len(encoder["answers"]) - 1]


def shares(frame: pd.DataFrame) -> np.ndarray:
    """(draws, patterns, answers) probabilities."""
    design = dmatrix(encoder["formula"].split("~")[1], frame, return_type="dataframe").drop(columns="Intercept")
    slopes = theta[:, [names.index(column.replace("[T.", "[")) for column in design.columns]]
    below = expit(cuts[:, None, :] - (slopes @ design.to_numpy().T)[:, :, None])
    return np.diff(below, axis=2, prepend=0.0, append=1.0)


everyone = {
    level: np.average(
        shares(patterns.assign(age_group=pd.Categorical([level] * len(patterns), encoder["levels"]["age_group"]))),
        axis=1,
        weights=weights,
    )
    for level in encoder["levels"]["age_group"]
}

# %% [markdown]
# Half-eyes: the density of the adjusted percentage of the highest answer in every age group, with its median and 66% and 95% intervals.

# %%
fig, axis = plt.subplots(figsize=(7, 3))
for height, drawn in enumerate(everyone.values()):
    percent = 100 * drawn[:, -1]
    at = np.linspace(percent.min(), percent.max(), 200)
    density = gaussian_kde(percent)(at)
    axis.fill_between(at, height, height + 0.8 * density / density.max(), alpha=0.4)
    for width, share in ((1.5, 95), (4, 66)):
        axis.plot(
            np.percentile(percent, [50 - share / 2, 50 + share / 2]),
            [height, height],
            "k",
            linewidth=width,
            solid_capstyle="round",
        )
    axis.plot(np.median(percent), height, "ko")
axis.set_yticks(range(len(everyone)), list(everyone))
axis.set_xlabel(f"percent {encoder['answers'][-1]}")

# %% [markdown]
# The same numbers as the run has in adjusted.csv, but for the extra spread of respondents as a sample.

# %%
table = pd.read_csv(RUN / "adjusted.csv")
rows = (table["model"] == "desired") & (table["by"] == "age_group") & (table["category"] == encoder["answers"][-1])
rows &= table["method"].str.startswith("bayes")
pd.DataFrame(
    {
        "here": [drawn[:, -1].mean() for drawn in everyone.values()],
        "run": table.loc[rows, "estimate"].to_list()[: len(everyone)],
    },
    index=list(everyone),
)

# %% [markdown]
# ## Posterior predictive by age and household
# Answers of the same respondents drawn anew: is the observed share of every answer one that the model gives?

# %%
rng = np.random.default_rng(1)
counts = idata.constant_data["counts"].values[:, np.argsort(idata.constant_data["answer_order"].values)].astype(int)
few = shares(patterns)[:: max(1, len(theta) // 500)]
again = np.stack([rng.multinomial(counts.sum(axis=1), each) for each in few])
groups = patterns["age_group"].astype(str) + " · " + patterns["household"].astype(str)
seen = pd.DataFrame(counts, columns=encoder["answers"]).groupby(groups).sum()
drawn = np.stack([again[:, (groups == group).to_numpy()].sum(axis=1) for group in seen.index], axis=1)
n = seen.sum(axis=1).to_numpy()[:, None]
low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
inside = (seen >= low) & (seen <= high)
print(f"{inside.to_numpy().mean():.0%} of the observed shares lie inside their 95% limits")
fig, axis = plt.subplots(figsize=(8, 4))
axis.vlines(
    np.arange(len(seen)),
    100 * low[:, -1] / n[:, 0],
    100 * high[:, -1] / n[:, 0],
    linewidth=6,
    alpha=0.3,
    label="drawn, 95%",
)
axis.plot(100 * seen.iloc[:, -1].to_numpy() / n[:, 0], "ko", mfc="white", label="observed, unweighted")
axis.set_xticks(range(len(seen)), list(seen.index), rotation=60, ha="right")
axis.set_ylabel(f"percent {encoder['answers'][-1]}")
axis.legend()

# %% [markdown]
# ## Leave-one-out
# ArviZ's own, of every respondent, with weights set aside. The run's figure, under the weights, stands in diagnostics.csv.

# %%
left_out = az.loo(idata, pointwise=True)
print(left_out)
az.plot_khat(left_out) if ARVIZ_0 else az.plot_khat(left_out, backend="matplotlib")

# %%
checks = pd.read_csv(RUN / "diagnostics.csv")
checks[checks["check"].str.startswith("loo") & (checks["model"] == "desired")][["check", "value", "message"]]
