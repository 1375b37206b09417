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
# # Priors on the percentage scale
# A prior on a slope means little to a reader; what it says about percentages does. SYNTHETIC respondents give only the predictors here.

# %%
import pandas as pd

import wwm_models as wwm
from wwm_models.demo.respondents import random_answers

survey = wwm.Survey.from_frame(random_answers(seed=1), weight="weight")
model = wwm.Model("desired ~ age_group + household + gender + education + employment", family="cumulative")

# %% [markdown]
# Under the default priors every answer can be rare or common in every age group.

# %%
prior = wwm.prior_predictive(model, survey, by="age_group", seed=1)
prior.table[["age_group", "category", "estimate", "lower", "upper"]]

# %% [markdown]
# A prior that looks harmless on the logit scale, normal(0, 10), claims that age groups differ completely: compare the differences it implies.

# %%
wide = wwm.prior_predictive(model, survey, by="age_group", priors={"slopes": "normal(0, 10)"}, seed=1)
difference = {
    name: wwm.contrasts(found, "age_group").table.set_index(["contrast", "category"])[["lower", "upper"]]
    for name, found in {"default": prior, "normal(0, 10)": wide}.items()
}
pd.concat(difference, axis=1)
