"""``python with_bambi.py FILE``: the cumulative logit of the Copenhagen tenants in bambi, with its own priors, as name, mean, sd.

bambi takes no weights for this family, so every tenant is a row of their own. Run it in an environment that has bambi.
"""

from __future__ import annotations

import sys
import time
import warnings

import pandas as pd

warnings.simplefilter("ignore")
import bambi  # noqa: E402

ORDER = {
    "Sat": ["Low", "Medium", "High"], "Infl": ["Low", "Medium", "High"], "Cont": ["Low", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
}  # fmt: skip


def main(path: str) -> None:
    """Fit and print."""
    cells = pd.read_csv(path)
    tenants = cells.loc[cells.index.repeat(cells["Freq"])].reset_index(drop=True)
    for name, levels in ORDER.items():
        tenants[name] = pd.Categorical(tenants[name], levels, ordered=True)  # unordered levels would be sorted
    started = time.perf_counter()
    model = bambi.Model("Sat ~ Infl + Type + Cont", tenants, family="cumulative")
    draws = model.fit(draws=1000, chains=4, cores=1, random_seed=1, progressbar=False)
    seconds = time.perf_counter() - started
    posterior = draws.posterior.stack(draw_of=("chain", "draw"))  # noqa: PD013
    made = {
        f"{name} {level}": posterior[name].sel({f"{name}_dim": level}).values
        for name, level in (("Infl", "Medium"), ("Infl", "High"), ("Cont", "High"))
    }
    made |= {f"threshold {at + 1}": posterior["threshold"].values[at] for at in range(2)}
    low = {}
    for name, level in ((None, ""), ("Infl", "Low"), ("Infl", "High"), ("Type", "Tower"), ("Type", "Terrace")):
        new = cells if name is None else cells.assign(**{name: level})
        told = model.predict(draws, data=new, inplace=False).posterior["p"].stack(draw_of=("chain", "draw"))  # noqa: PD013
        low[name, level] = cells["Freq"].to_numpy() @ told.values[:, 0, :] / cells["Freq"].sum()
    made["P(Low)"] = low[None, ""]
    made["P(Low), influence high minus low"] = low["Infl", "High"] - low["Infl", "Low"]
    made["P(Low), terrace minus tower"] = low["Type", "Terrace"] - low["Type", "Tower"]
    print("name,mean,sd")
    for name, values in made.items():
        print(f'"{name}",{values.mean():.4f},{values.std(ddof=1):.4f}')
    print(f"seconds to compile and sample,{seconds:.1f},\nversion,{bambi.__version__},")


if __name__ == "__main__":
    main(sys.argv[1])
