"""``python -m benchmarks size``: from a frame of respondents to a fit, and 1,000 bootstrap replicates with all adjusted probabilities.

Ours counts everything from the frame on: survey, tabulation, fit, standard errors, tripwires. The peers' times are those of their
fitting function alone. Aggregated rows hold one row per pattern and answer with its count; making them is not counted for anyone.
"""

from __future__ import annotations

import datetime
import math
import os
import sys
from pathlib import Path

import pandas as pd

import wwm_models as wwm
from benchmarks.timing import (
    FORMULA,
    LEVELS,
    NOMINAL_PEERS,
    ORDINAL_PEERS,
    peer_seconds,
    respondents,
    seconds_of,
)

RESULTS = Path(__file__).parents[1] / "results"
ORDINAL, NOMINAL = wwm.Model(FORMULA), wwm.Model(FORMULA, family="multinomial")
LIMIT = 900.0  # seconds by the clock for a peer to read and fit
DRAWS = 1000
# model, respondents, repeats of ours, repeats of the peers, peers; at the larger sizes only those worth the wait
PLAN = (
    (ORDINAL, 1530, 15, 9, ORDINAL_PEERS),
    (NOMINAL, 1530, 9, 3, NOMINAL_PEERS),
    (ORDINAL, 1_000_000, 5, 1, ("rms::lrm",)),
    (ORDINAL, 100_000, 7, 1, ("rms::lrm", "MASS::polr", "ordinal::clm")),
)


def aggregated(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per pattern and answer that occurs, with its count."""
    return frame.groupby(list(frame.columns), observed=True).size().rename("weight").reset_index()


def own_seconds(model: wwm.Model, frame: pd.DataFrame, repeats: int) -> float:
    """From the frame to the fit."""
    counted = "weight" in frame.columns

    def whole() -> wwm.Fit:
        survey = wwm.Survey.from_frame(frame, weight="weight" if counted else None, weight_kind="frequency")
        return wwm.fit(model, survey)

    return seconds_of(whole, repeats)


def bootstrap_seconds() -> float:
    """1,000 bootstrap weights of 1,530 respondents, the refits, and every adjusted probability under every one of them."""
    survey = wwm.Survey.from_frame(respondents(1530), weight=None)

    def whole() -> list[wwm.Estimates]:
        fitted = wwm.fit(ORDINAL, wwm.replicates(survey, "bootstrap", draws=DRAWS))
        return [wwm.adjusted(fitted, name) for name in LEVELS]

    return seconds_of(whole, 2)


def measured() -> pd.DataFrame:
    """One row per model, size, kind of rows and program."""
    rows = []
    for model, n, repeats, peer_repeats, peers in PLAN:
        frame = respondents(n)
        for kind, table in (("respondents", frame), ("aggregated", aggregated(frame))):
            own = own_seconds(model, table, repeats)
            wanted = peers if kind == "respondents" or model is NOMINAL else ORDINAL_PEERS
            key = {"family": model.family, "n": n, "rows": kind, "lines": len(table)}
            rows.append({**key, "program": "wwm_models", "seconds": own, "ratio": 1.0})
            print(rows[-1], file=sys.stderr, flush=True)
            for peer, seconds in peer_seconds(table, wanted, peer_repeats, LIMIT).items():
                rows.append({**key, "program": peer, "seconds": seconds, "ratio": seconds / own})
                print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows).sort_values("n", kind="stable")


def report(table: pd.DataFrame, bootstrap: float) -> str:
    """The figures as markdown."""
    lines = [
        f"# Size, {datetime.date.today().isoformat()}, {os.cpu_count()} cores",
        "",
        "`python -m benchmarks size`, processor time. Ours: from a frame to a fit with standard errors and tripwires, tabulation included. Peers: "
        "their fitting function alone. Aggregated: one row per pattern and answer with its count.",
        "",
        "| family | respondents | rows given | program | milliseconds | ratio to ours |",
        "|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        late = math.isinf(row.seconds)
        seconds, ratio = (f"over {1000 * LIMIT:.0f}", "") if late else (f"{1000 * row.seconds:.1f}", f"{row.ratio:.1f}")
        lines.append(f"| {row.family} | {row.n:,} | {row.lines:,} {row.rows} | {row.program} | {seconds} | {ratio} |")
    lines += ["", *(f"- {sentence}" for sentence in fastest(table))]
    lines.append(
        f"- {DRAWS:,} bootstrap replicates of the cumulative model on 1,530 respondents, weights, refits and all adjusted probabilities: {bootstrap:.2f} s."
    )
    return "\n".join(lines) + "\n"


def fastest(table: pd.DataFrame) -> list[str]:
    """Ratio to the fastest peer, by family, size and kind of rows."""
    found = []
    peers = table[table["program"] != "wwm_models"]
    for (family, n, kind), group in peers.groupby(["family", "n", "rows"], sort=False):
        best = group.loc[group["ratio"].idxmin()]
        found.append(
            f"{family}, {n:,} respondents, {kind} rows: {best['ratio']:.1f} times the fastest peer ({best['program']})."
        )
    return found


def main(arguments: list[str]) -> None:  # noqa: ARG001 - this benchmark has no arguments
    """Measure, print and write results/size.md and size.csv."""
    bootstrap, table = bootstrap_seconds(), measured()
    text = report(table, bootstrap)
    print(text)
    (RESULTS / "size.md").write_text(text, encoding="utf-8")
    table.round(6).to_csv(RESULTS / "size.csv", index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
