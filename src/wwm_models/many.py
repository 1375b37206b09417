"""One task for many things: here, in processes of this machine, or on a Dask cluster.

Bootstrap replicates, completed surveys, simulated surveys and models of a study are many fits of the same kind that know nothing
of each other. They go through joblib; with the address of a scheduler they go to its workers.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
import weakref
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, TypeVar

from wwm_models.errors import SchedulerError

Item = TypeVar("Item")
Result = TypeVar("Result")
PROCESSES: Final = 2  # of the pool that all of a run shares: joblib would start another for another number
SECONDS: Final = 30  # that a scheduler and its first worker may take to answer


def run_many(
    task: Callable[[Item], Result], items: Iterable[Item], *, jobs: int = 1, scheduler: str = ""
) -> list[Result]:
    """Give the results of a task on every item, in the order of the items, wherever they were made.

    Parameters
    ----------
    task : function of an item
        What makes its result must be in the item or in the function: workers share nothing else. Randomness comes from a seed in
        the item, so that a result does not depend on who made it.
    items : iterable
    jobs : int
        Processes on this machine; 1: in this one. -1: as many as there are cores.
    scheduler : str
        Address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``; its workers need this package. Then `jobs` is not used.

    Returns
    -------
    list

    Raises
    ------
    SchedulerError
        If no scheduler answers there, or Dask is not installed.

    Examples
    --------
    >>> run_many(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    if not scheduler and jobs == 1:
        return [task(item) for item in items]
    from joblib import Parallel, delayed

    with _cluster(scheduler) if scheduler else contextlib.nullcontext():
        parallel: Any = Parallel() if scheduler else Parallel(n_jobs=jobs)
        return list(parallel(delayed(task)(item) for item in items))


def begin(task: Callable[..., Result], *arguments: Any) -> Callable[[], Result]:
    """Begin a task in a process of its own, and give the function that waits for its result.

    Parameters
    ----------
    task : function
    *arguments
        What it is given; they are sent to the process.

    Returns
    -------
    function of nothing
        Gives the same result however often it is called; raises what the task raised. A task that nobody waits for any more is
        dropped without a word.

    Examples
    --------
    >>> waiting = begin(abs, -3)
    >>> waiting(), waiting()
    (3, 3)
    """
    from joblib import Parallel, delayed

    parallel: Any = Parallel(n_jobs=PROCESSES, return_as="generator")
    results: Generator[Result] = parallel(delayed(task)(*given) for given in [arguments])
    waiting = functools.cache(lambda: next(results))
    weakref.finalize(waiting, _drop, results)
    return waiting


def _drop(results: Generator[Any]) -> None:
    """End a task whose result nobody took, of which joblib would warn with a path of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results.close()


@contextlib.contextmanager
def _cluster(scheduler: str) -> Generator[None]:
    """Have joblib send its tasks to the workers of a scheduler."""
    from joblib import parallel_config

    try:
        from dask.distributed import Client

        client = Client(scheduler, timeout=SECONDS)
    except ImportError:
        raise SchedulerError(
            f'scheduler "{scheduler}" needs Dask, which is not installed. Expected it beside this package. Install it with: '
            'pip install "wwm-models[scale]"'
        ) from None
    except (OSError, ValueError) as problem:
        raise SchedulerError(
            f'No Dask scheduler answers at "{scheduler}" ({type(problem).__name__}). Expected an address such as tcp://10.0.0.5:8786. '
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`."
        ) from None
    with client, parallel_config(backend="dask", wait_for_workers_timeout=SECONDS):
        yield
