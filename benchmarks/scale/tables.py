"""Invented respondents of any number, written by DuckDB as parquet, with the codebook that reads them."""

from __future__ import annotations

from pathlib import Path

import duckdb

LEVELS = {
    "age_group": ("18-34", "35-49", "50-64"),
    "household": ("single", "single parent", "couple", "family"),
    "gender": ("man", "woman"),
    "education": ("lower", "middle", "higher"),
}
ANSWERS = ("never", "monthly", "weekly", "often", "always")
STRATA = 40
VARIABLES = ["answer", *LEVELS]
FORMULA = f"answer ~ {' + '.join(LEVELS)}"

# Every column is a hash of the row's number, so the same rows come out everywhere, in any order and on any number of threads.
_DRAW = "((hash(i * 31 + {salt}) % 1000003 + 0.5) / 1000003.5)"


def write(path: Path, rows: int) -> None:
    """Write `rows` respondents: four predictors as texts, five answers as codes (8: no answer), a weight and a stratum."""
    codes = {
        name: f"cast(floor({_DRAW.format(salt=salt)} * {len(levels)}) as integer)"
        for salt, (name, levels) in enumerate(LEVELS.items())
    }
    texts = [
        f"[{', '.join(repr(level) for level in LEVELS[name])}][{code} + 1] as {name}" for name, code in codes.items()
    ]
    logistic = f"-ln(1 / {_DRAW.format(salt=7)} - 1)"
    latent = f"0.4 * {codes['age_group']} - 0.3 * {codes['household']} + 0.2 * {codes['education']} + {logistic}"
    steps = " + ".join(f"({latent} > {cut})::integer" for cut in (-1.5, -0.3, 0.6, 2.0))
    answer = f"case when {_DRAW.format(salt=8)} < 0.01 then 8 else 1 + {steps} end"
    with duckdb.connect() as base:
        base.execute(
            f"copy (select {', '.join(texts)}, cast({answer} as tinyint) as answer, 0.25 + 1.5 * {_DRAW.format(salt=9)} as weight, "
            f"cast(hash(i * 31 + 10) % {STRATA} as smallint) as stratum from range(1, {rows + 1}) as numbers(i)) "
            f"to '{path}' (format parquet)"
        )


def write_codebook(path: Path) -> None:
    """Write the codebook of these columns."""
    levels = [
        f'[variables.{name}]\ncolumn = "{name}"\nkind = "ordered"\nlevels = [{_ids(own)}]\n'
        for name, own in LEVELS.items()
    ]
    answers = ", ".join(f'{{ id = "{name}", codes = [{code}] }}' for code, name in enumerate(ANSWERS, start=1))
    path.write_text(
        '[source]\ntitle = "Invented respondents"\nsynthetic = true\n[survey]\nweight = "weight"\nstrata = "stratum"\n'
        + "".join(levels)
        + f'[variables.answer]\ncolumn = "answer"\nkind = "ordered"\nmissing = [{{ codes = [8], reason = "no answer" }}]\nlevels = [{answers}]\n',
        encoding="utf-8",
    )


def _ids(levels: tuple[str, ...]) -> str:
    return ", ".join(f'{{ id = "{level}" }}' for level in levels)
