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
# # Sensitivity
# What the proportional-odds assumption costs, what other choices would give, and what it takes to turn a verdict. Reads a run.

# %%
import os
from pathlib import Path

import pandas as pd

RUN = Path(os.environ.get("WWM_RUN", "../results/wwm21-synthetic"))
present = {path.stem: pd.read_csv(path) for path in sorted(RUN.glob("*.csv"))}
print(list(present))

# %% [markdown]
# Largest change of an adjusted percentage, in points, when slopes may differ between cut points.

# %%
checks = present["diagnostics"]
checks[checks["check"] == "proportional_odds_points"].sort_values("value", ascending=False)[
    ["model", "estimand", "value", "message"]
]

# %% [markdown]
# The same numbers under other families, weights and engines, and the smallest change that would reverse a claim (tables of the run, when it has them).

# %%
for name in ("robustness", "fragility", "agreement", "decomposition"):
    if name in present:
        print(name, len(present[name]), "rows")

# %% [markdown]
# Refitting is a choice, not a default.

# %%
REFIT = False
if REFIT:
    import wwm_models as wwm
    from wwm_models.demo.respondents import random_answers

    survey = wwm.Survey.from_frame(random_answers(seed=1), weight="weight")
    formula = "desired ~ age_group + household + gender + education + employment"
    fits = {family: wwm.fit(wwm.Model(formula, family=family), survey) for family in ("cumulative", "multinomial")}
    print(
        {family: wwm.adjusted(fit, by="age_group").table["estimate"].round(3).tolist() for family, fit in fits.items()}
    )
