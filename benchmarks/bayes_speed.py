"""``python -m benchmarks.bayes_speed``: the demo's ordinal model sampled cold by this package, by PyMC and by PyMC through nutpie.

Each contender is a process of its own, timed from its start: importing, compiling, 4 chains of 1000 draws, effective draws. bambi and brms
take part where they are installed. The same rows and the same model (default priors) for all; every process may use all cores.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
FORMULA = "desired ~ age_group + household + gender + education + employment"
CONTENDERS = {"ours": "wwm.sample", "pymc": "PyMC, pm.sample", "nutpie": "PyMC through nutpie", "bambi": "bambi"}


def survey(path: str):
    import wwm_models as wwm

    found = wwm.read_survey(path, HERE.parent / "models" / "wwm21" / "codebook.toml")
    return wwm.Survey.from_frame(found.frame[found.domain].reset_index(drop=True), weight=None)


def contend(name: str, path: str) -> None:
    """One contender: prints its seconds by stage and its smallest bulk ESS as JSON."""
    started = time.perf_counter()
    import wwm_models as wwm

    people, model = survey(path), wwm.Model(FORMULA)
    if name == "ours":
        from wwm_models.engines.bayes.nuts import _library

        _library()
        imported = time.perf_counter()
        post = wwm.sample(model, people, seed=1)
        ready = time.perf_counter()
        facts = {"ess": float(post.health["ess_bulk"].min()), "parameters": post.draws.shape[1]}
        print(json.dumps({"imports": imported - started, "sampling": ready - imported, **facts}))
        return
    import warnings

    warnings.simplefilter("ignore")
    import arviz as az

    imported = time.perf_counter()
    data = sampled_by(name, model, people)
    ready = time.perf_counter()
    names = ["theta"] if "theta" in data.posterior else None
    ess = float(min(value.min() for value in az.ess(data, var_names=names).data_vars.values()))
    print(json.dumps({"imports": imported - started, "sampling": ready - imported, "ess": ess}))


def sampled_by(name: str, model, people):
    """InferenceData of a contender that needs PyMC."""
    if name == "bambi":
        import bambi

        frame = people.frame[["desired", "age_group", "household", "gender", "education", "employment"]].dropna()
        return bambi.Model(FORMULA, frame, family="cumulative").fit(
            draws=1000, chains=4, progressbar=False, random_seed=1
        )
    import pymc as pm

    from benchmarks.bayes_pymc import readable

    with readable(model, people) as built:
        if name == "pymc":
            return pm.sample(1000, chains=4, progressbar=False, random_seed=1)
        import nutpie

        return nutpie.sample(nutpie.compile_pymc_model(built), draws=1000, chains=4, seed=1, progress_bar=False)


def main(names: list[str]) -> None:
    """Run every contender that is installed and write results/bayes_speed.md."""
    lines = [
        f"# Speed of the posterior, {datetime.date.today().isoformat()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start",
        "",
        "`python -m benchmarks.bayes_speed`: the demo's model of desired frequency, 1,530 SYNTHETIC respondents, 4 x 1000 draws, cold processes.",
        "",
        "| what | wall seconds, cold | importing | compiling and sampling | smallest bulk ESS | ESS per second | ratio of wall to ours |",
        "|---|---|---|---|---|---|---|",
    ]
    first = None
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "respondents.csv")
        subprocess.run([sys.executable, "-m", "wwm_models.cli", "simulate", "--seed", "1", "--out", path], check=True)
        for name in names:
            if name == "bambi" and importlib.util.find_spec("bambi") is None:
                lines.append("| bambi | not installed | | | | | |")
                continue
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.bayes_speed", name, path], capture_output=True, text=True, check=True
            )
            wall = time.perf_counter() - started
            first = first or wall
            found = json.loads(done.stdout.splitlines()[-1])
            rate = found["ess"] / found["sampling"]
            lines.append(
                f"| {CONTENDERS[name]} | {wall:.1f} | {found['imports']:.1f} | {found['sampling']:.1f} | {found['ess']:.0f} | {rate:.0f} | {wall / first:.1f} |"
            )
            print(lines[-1], flush=True)
    (HERE / "results" / "bayes_speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        contend(sys.argv[1], sys.argv[2])
    else:
        main(sys.argv[1:] or list(CONTENDERS))
