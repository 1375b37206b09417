"""``python -m benchmarks.sbc [DATASETS] [FAMILY ...]``: calibration of every family, and of a wrong Jacobian that must fail."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.sbc import MODELS, RANKS, calibration, ranks_of, uniform_tails

HERE = Path(__file__).parent / "results"
WRONG = "cumulative, wrong Jacobian"


def main(datasets: int, names: list[str]) -> None:
    """Run, print and write ranks, p-values and figures."""
    HERE.mkdir(exist_ok=True)
    tails = uniform_tails(datasets)
    for name in names:
        started = time.perf_counter()
        wrong = name == WRONG
        ranks = ranks_of("cumulative" if wrong else name, datasets, per_group=10 if wrong else None, right=not wrong)
        table = calibration(ranks, tails)
        seconds = time.perf_counter() - started
        stem = name.replace(", ", "-").replace(" ", "-").lower()
        ranks.to_csv(HERE / f"ranks-{stem}.csv", index=False)
        (HERE / f"ecdf-{stem}.svg").write_text(figure(name, ranks, tails), encoding="utf-8")
        smallest = float(table["p_value"].min())
        adjusted = min(1.0, smallest * len(table))
        print(
            f"{name}: {datasets} data sets, {len(table)} quantities, smallest p {smallest:.4f}, Bonferroni {adjusted:.3f}, {seconds:.0f} s",
            flush=True,
        )
        append(
            table.assign(model=name, seconds=round(seconds, 1), bonferroni=adjusted)[
                ["model", *table.columns, "bonferroni", "seconds"]
            ]
        )


def append(table: pd.DataFrame) -> None:
    """Put a model's rows into calibration.csv, instead of its former ones."""
    path = HERE / "calibration.csv"
    former = pd.read_csv(path) if path.is_file() else table.iloc[:0]
    kept = former[former["model"] != table["model"].iloc[0]]
    pd.concat([part for part in (kept, table) if len(part)], ignore_index=True).to_csv(path, index=False)


def figure(name: str, ranks: pd.DataFrame, tails: np.ndarray) -> str:
    """ECDF of the ranks minus that of uniform ones, all quantities, in the simultaneous 95% band of one."""
    width, height, left, top = 420, 220, 46, 30
    n, points = len(ranks), np.arange(RANKS) + 1.0
    uniform = points / (RANKS + 1.0)
    gamma = float(np.quantile(tails, 0.05))
    low, high = (
        stats.binom.ppf(gamma / 2, n, uniform) / n - uniform,
        stats.binom.ppf(1 - gamma / 2, n, uniform) / n - uniform,
    )
    curves = {
        q: np.searchsorted(np.sort(ranks[q].to_numpy()), np.arange(RANKS), side="right") / n - uniform for q in ranks
    }
    top_value = 1.15 * max(np.abs(high).max(), np.abs(low).max(), *(np.abs(curve).max() for curve in curves.values()))

    def path(values: np.ndarray, xs: np.ndarray = uniform) -> str:
        return " ".join(
            f"{left + x * width:.1f},{top + height / 2 - v / top_value * height / 2:.1f}"
            for x, v in zip(xs, values, strict=True)
        )

    band = f'<polygon points="{path(high)} {path(low[::-1], uniform[::-1])}" fill="#d9e2ec"/>'
    style = 'fill="none" stroke="#1f4e79" stroke-width="0.8" opacity="0.7"'
    lines = "".join(f'<polyline points="{path(v)}" {style}><title>{q}</title></polyline>' for q, v in curves.items())
    zero = top + height / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + left + 12} {height + top + 34}" font-family="sans-serif" font-size="11">'
        f'<text x="{left}" y="18" font-size="13">SBC, {name}: {n} data sets, {len(curves)} quantities</text>{band}'
        f'<line x1="{left}" x2="{left + width}" y1="{zero}" y2="{zero}" stroke="#888" stroke-width="0.5"/>{lines}'
        f'<text x="4" y="{top + 10}">{top_value:+.2f}</text><text x="4" y="{top + height}">{-top_value:+.2f}</text>'
        f'<text x="{left}" y="{top + height + 24}">rank of the truth (0 to {RANKS}); ECDF minus uniform; band: simultaneous 95%</text></svg>\n'
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, sys.argv[2:] or [*MODELS, WRONG])
