"""``python -m benchmarks posterior``: an ordinal model of 1,530 respondents sampled cold by this package, PyMC, nutpie, bambi and brms.

Every contender is a process of its own, timed from its start: importing, compiling, 4 chains of 1000 draws, effective draws. brms takes
part where R has it, bambi where the environment variable BAMBI_PYTHON names an interpreter that has it.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.timing import respondents

HERE = Path(__file__).parent
PEERS = {"pymc": "PyMC, pm.sample", "nutpie": "PyMC through nutpie", "bambi": "bambi", "brms": "brms"}
DEMO = ("age_group", "household", "gender", "education", "employment")


@dataclass(frozen=True)
class Timed:
    """What a cold process took."""

    wall: float
    processor: float
    imports: float
    sampling: float
    ess: float


def command_of(name: str, path: str) -> list[str] | None:
    """How to start a contender; None where it is not installed."""
    own = [sys.executable, "-m", "benchmarks.posterior.contenders", name, path]
    if name == "brms":
        known = (
            shutil.which("Rscript")
            and not subprocess.run(
                ["Rscript", "-e", 'stopifnot(requireNamespace("brms"))'], capture_output=True, check=False
            ).returncode
        )
        return ["Rscript", str(HERE / "brms.R"), path] if known else None
    if name == "bambi":
        python = os.environ.get("BAMBI_PYTHON")
        return [python, str(HERE / "contenders.py"), name, path] if python else None
    return own


def timed(command: list[str]) -> Timed:
    """Run a contender from cold."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout.splitlines()[-1])
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timed(wall, processor, found["imports"], found["sampling"], found["ess"])


def write_rows(folder: Path) -> dict[str, Path]:
    """The demo's respondents (14 parameters), and those of the other benchmarks (19)."""
    import wwm_models as wwm

    answers = folder / "respondents.csv"
    subprocess.run([sys.executable, "-m", "wwm_models.cli", "simulate", "--seed", "1", "--out", answers], check=True)
    found = wwm.read_survey(answers, HERE.parents[1] / "models" / "wwm21" / "codebook.toml")
    people = found.frame.loc[found.domain, [*DEMO, "desired"]].dropna()
    made = {name: people[name].astype(str) for name in DEMO} | {"y": people["desired"].cat.codes + 1}
    frames = {"demo": pd.DataFrame(made), "nineteen": respondents(1530)}
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return {name: folder / f"{name}.csv" for name in frames}


def line(what: str, one: Timed, own: Timed) -> str:
    """One row of the table."""
    rate = one.ess / one.sampling
    return (
        f"| {what} | {one.wall:.1f} | {one.processor:.1f} | {one.imports:.1f} | {one.sampling:.1f} | {one.ess:.0f} | {rate:.0f} | "
        f"{one.wall / own.wall:.1f} | {one.processor / own.processor:.1f} | {own.ess / own.sampling / rate:.0f} |"
    )


def main(names: list[str]) -> None:
    """Run every contender that is installed and write results/posterior.md."""
    lines = [
        f"# Speed of the posterior, {datetime.date.today().isoformat()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start",
        "",
        "`python -m benchmarks posterior`: cumulative logit, 1,530 SYNTHETIC respondents, 4 x 1000 draws, cold processes that may use all cores.",
        "Sampling is without compiling; ratios are to the first row of each table.",
    ]
    heading = [
        "| what | wall seconds, cold | processor seconds | importing | sampling | smallest bulk ESS | ESS per second | wall, ratio | processor, ratio "
        "| our ESS per second over theirs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for rows, path in write_rows(Path(folder)).items():
            model = "the demo's model of desired frequency, 14 parameters" if rows == "demo" else "19 parameters"
            lines += ["", f"## {model}", "", *heading]
            own = timed([sys.executable, "-m", "benchmarks.posterior.contenders", "ours", str(path)])
            lines.append(line("wwm.sample", own, own))
            print(lines[-1], flush=True)
            for name in names or PEERS:
                command = command_of(name, str(path))
                if command is None:
                    lines.append(f"| {PEERS[name]} | not installed | | | | | | | | |")
                    continue
                lines.append(line(PEERS[name], timed(command), own))
                print(lines[-1], flush=True)
    (HERE.parent / "results" / "posterior.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
