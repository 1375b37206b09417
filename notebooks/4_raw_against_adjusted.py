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
# # Raw against adjusted
# The numbers of the page, from the csv files of a run.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

RUN = Path(os.environ.get("WWM_RUN", "../results/wwm21-synthetic"))
comparison = pd.read_csv(RUN / "comparison.csv")
print("data:", comparison["data"].iloc[0])

# %% [markdown]
# Where adjustment moved a percentage most. `difference_se` knows that both numbers come from the same respondents.

# %%
moved = comparison.dropna(subset=["difference", "difference_se"]).assign(size=lambda table: table["difference"].abs())
columns = [
    "model",
    "estimand",
    "category",
    "group",
    "published",
    "raw",
    "adjusted_likelihood",
    "difference",
    "difference_se",
]
moved.sort_values("size", ascending=False)[columns].head(15)

# %% [markdown]
# One figure: hollow raw, filled adjusted with its interval.

# %%
wanted = comparison[(comparison["by"] == "age_group") & (comparison["model"] == "desired")]
wanted = wanted[wanted["estimand"] == wanted["estimand"].iloc[0]].reset_index(drop=True)
fig, axis = plt.subplots(figsize=(7, 0.3 * len(wanted) + 1))
axis.hlines(wanted.index, wanted["adjusted_likelihood_lower"], wanted["adjusted_likelihood_upper"])
axis.plot(wanted["adjusted_likelihood"], wanted.index, "o", label="adjusted")
axis.plot(wanted["raw"], wanted.index, "o", mfc="white", label="raw")
axis.set_yticks(wanted.index, wanted["group"] + ", " + wanted["category"])
axis.legend()
axis.set_xlim(0, 1)

# %% [markdown]
# What became of the sentences.

# %%
claims = pd.read_csv(RUN / "claims.csv")
claims["verdict"].value_counts()
