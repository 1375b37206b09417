"""One small survey written in every format, for tests: answers 1-3 with labels, 8 and 9 declared missing, an empty cell."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyreadstat

FRAME = pd.DataFrame(
    {
        "id": [1.0, 2, 3, 4, 5, 6, 7, 8],
        "v1": [1.0, 2, 3, 8, 9, np.nan, 2, 3],
        "town": ["Gent", "Breda", "Gent", "Breda", "Gent", "Breda", "", "Gent"],
        "age": [18.0, 40, 33, 64, 51, 27, 39, 22],
        "w": [1.0, 0.5, 2, 1, 1, 1.5, 0.75, 1.25],
    }
)
LABELS = {1.0: "never", 2.0: "weekly", 3.0: "daily", 8.0: "don't know", 9.0: "no answer"}
CODEBOOK = """
[source]
id = "id"
[survey]
weight = "w"
accept_extreme_weights = true
[variables.often]
column = "v1"
kind = "ordered"
empty = "not asked"
missing = [
  { codes = [8], text = ["don't know"], reason = "don't know" },
  { codes = [9], text = ["no answer"], reason = "no answer" },
]
levels = [
  { id = "never", codes = [1], text = ["never"] },
  { id = "weekly", codes = [2], text = ["weekly"] },
  { id = "daily", codes = [3], text = ["daily"] },
]
[variables.town]
column = "town"
kind = "nominal"
levels = [{ id = "Breda" }, { id = "Gent" }]
[variables.age]
column = "age"
kind = "number"
"""


def sav(path: Path) -> None:
    pyreadstat.write_sav(
        FRAME,
        str(path),
        column_labels=["number", "How often at home?", "town", "age", "weight"],
        variable_value_labels={"v1": LABELS},
        missing_ranges={"v1": [{"lo": 8, "hi": 9}]},
        variable_measure={"v1": "ordinal", "town": "nominal", "age": "scale"},
        compress=path.suffix == ".zsav",
    )


def por(path: Path) -> None:
    pyreadstat.write_por(FRAME, str(path))


def dta(path: Path) -> None:
    """Stata has letters for missing answers: .a and .b take the place of 8 and 9."""
    letters = FRAME["v1"].astype(object).where(~FRAME["v1"].isin([8, 9]), FRAME["v1"].map({8.0: "a", 9.0: "b"}))
    labels = {{8.0: "a", 9.0: "b"}.get(code, code): label for code, label in LABELS.items()}
    pyreadstat.write_dta(
        FRAME.assign(v1=letters),
        str(path),
        variable_value_labels={"v1": labels},
        missing_user_values={"v1": ["a", "b"]},
    )


def duck(path: Path) -> None:
    frame = FRAME
    with duckdb.connect(str(path)) as base:
        base.execute("create table answers as select * from frame")
        assert len(frame)


WRITERS: dict[str, Callable[[Path], None]] = {
    ".csv": lambda path: FRAME.to_csv(path, index=False),
    ".tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    ".sav": sav,
    ".zsav": sav,
    ".por": por,
    ".dta": dta,
    ".xlsx": lambda path: FRAME.to_excel(path, index=False),
    ".parquet": lambda path: FRAME.to_parquet(path),
    ".duckdb": duck,
}


def packed(path: Path) -> dict[str, Path]:
    """The file compressed in every way there is."""
    content = path.read_bytes()
    made: dict[str, Path] = {}
    for ending, pack in ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)):
        made[ending] = path.with_name(path.name + ending)
        made[ending].write_bytes(pack(content))
    made[".zip"] = path.with_name(path.name + ".zip")
    with zipfile.ZipFile(made[".zip"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"folder/{path.name}", content)
    return made
