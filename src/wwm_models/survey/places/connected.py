"""Tables of every engine that Ibis reaches, Spark among them; the library of the engine must be installed."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.extras import extra
from wwm_models.survey.codebook import Source
from wwm_models.survey.places.address import Address
from wwm_models.survey.places.place import Place, one_by_one
from wwm_models.survey.readers.sheet import named_table

_FILES: Final = ("sqlite",)  # engines of one file, which they would make
_SPARK: Final = ("spark", "pyspark")


@contextlib.contextmanager
def connected_place(address: Address, source: Source) -> Generator[Place]:
    """Open ``engine://where#table`` through Ibis.

    Raises
    ------
    SurveyError
        If Ibis does not know the engine, its library is absent, or there is no such table.
    """
    if address.engine in _SPARK:
        extra("pyspark.sql", address.shown)  # its extra brings Ibis too, so one install is enough
    ibis = extra("ibis", address.shown)
    with (_session if address.engine in _SPARK else _connection)(address) as backend:
        table = _table(backend, address.table or source.table, address)
        nan = bool(backend.has_operation(ibis.expr.operations.IsNan))
        yield Place(address.shown, table, tuple(table.columns), _quietly(backend), nan)


@contextlib.contextmanager
def _connection(address: Address) -> Generator[Any]:
    import ibis

    known = sorted({point.name for point in ibis.util.backend_entry_points()} | {"spark"})
    if address.engine.replace("postgresql", "postgres") not in known:
        raise SurveyError(
            f'{address.shown}: "{address.engine}" is not an engine that Ibis reaches. Expected one of {listed(known, most=40)}.'
            f"{did_you_mean(address.engine, known)} Repair the part before ://."
        )
    if address.engine in _FILES and not Path(address.path).is_file():
        raise SurveyError(
            f"{address.shown}: there is no such file. Expected {address.engine}://path#table, an absolute path after three slashes and a "
            "relative one after two. Repair the path: nothing is made there."
        )
    try:
        with _quiet():
            backend = ibis.connect(address.url)
    except ImportError as problem:
        raise _without_library(address, problem) from None
    try:
        yield backend
    finally:
        backend.disconnect()


@contextlib.contextmanager
def _session(address: Address) -> Generator[Any]:
    """Ibis on a Spark session; one that runs already is used and left running."""
    import ibis

    spark: Any = extra("pyspark.sql", address.shown).SparkSession
    before = spark.getActiveSession()
    builder: Any = spark.builder
    if address.engine == "spark" and address.host not in ("", "local"):
        builder = builder.master(f"spark://{address.host}")
    elif address.engine == "spark":
        builder = builder.master("local[*]")
    for key, value in address.options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        with _quiet():
            backend = ibis.pyspark.connect(session)
        yield backend
    finally:
        if before is None:
            session.stop()


def _without_library(address: Address, problem: ImportError) -> SurveyError:
    return SurveyError(
        f"{address.shown}: the library for this engine is not installed ({problem}). Expected it beside Ibis. "
        f'Install it with: pip install "ibis-framework[{address.engine}]"'
    )


def _table(backend: Any, name: str, address: Address) -> Any:
    """The named table, the only one, or a parquet file that the engine reads."""
    if name.rstrip("/").endswith(".parquet"):
        return backend.read_parquet(name)
    database, _, own = name.rpartition(".")
    if database:
        return backend.table(own, database=database)
    return backend.table(named_table(name, backend.list_tables(), address.shown, "table"))


def _quietly(backend: Any) -> Any:
    def ask(question: Any) -> Any:
        with _quiet(), one_by_one():
            return backend.to_pyarrow(question)

    return ask


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what engines' libraries call, not of ours
        yield
