"""One task for many things: here, in processes of this machine, or on a Dask cluster.

Bootstrap replicates, completed surveys, simulated surveys and models of a study are many fits of the same kind that know nothing
of each other. They go through joblib's pool of processes (loky); with the address of a scheduler they go to its workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from multiprocessing import util
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wwm_models.errors import ProcessError, SchedulerError
from wwm_models.extras import extra
from wwm_models.messages import Said, collected, note

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")
PROCESSES: Final = 2  # of the pool that all of a run shares: joblib would start another for another number
IDLE: Final = 300  # seconds after which a process of the pool without a task ends
_PR_SET_PDEATHSIG: Final = 1  # of linux/prctl.h
_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)  # one each: the processes are as many as the cores
_LOST: Final = (
    "A process of this run ended before it gave its result, and so did the one that tried again. Expected it to live: systems end "
    "processes when memory runs out. Close other programs, or ask for less, and run again."
)
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
        What the task is done on, one after another.
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
    if scheduler:
        from joblib import Parallel, delayed

        with _cluster(scheduler):
            parallel: Any = Parallel()
            return [_heard(one) for one in parallel(delayed(_told)(task, (item,)) for item in items)]
    if jobs == 1:
        return [task(item) for item in items]
    return list(in_processes(task, ((item,) for item in items), jobs=jobs))


def in_processes(
    task: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], *, jobs: int = PROCESSES
) -> Generator[Result]:
    """Begin a task on many arguments in processes of this machine that end with this one, and give the results in their order.

    Parameters
    ----------
    task : function
    arguments : iterable of tuples
        What each call is given.
    jobs : int
        Processes; -1: as many as there are cores.

    Raises
    ------
    ProcessError
        If a process ended before it gave its result, and so did the one that began the task again.
    """
    begun = [_begun(task, given, jobs) for given in arguments]
    return (waiting() for waiting in begun)


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
        Gives the same result however often it is called; raises what the task raised, or ProcessError as `in_processes` does. A
        task that nobody waits for any more is dropped without a word. In a process that was forked from this one, the task begins
        again.

    Examples
    --------
    >>> waiting = begin(abs, -3)
    >>> waiting(), waiting()
    (3, 3)
    """
    return _begun(task, arguments, PROCESSES)


def _begun(task: Callable[..., Result], given: tuple[Any, ...], jobs: int) -> Callable[[], Result]:
    """Give a task to the pool. One that fails or is dropped leaves the others alone."""
    if _in_pool:  # the pool is at work already, on as much as there are processes
        return functools.cache(lambda: task(*given))
    future, begun_by = _submitted(task, given, jobs), os.getpid()

    def result() -> Result:
        if os.getpid() == begun_by:
            with contextlib.suppress(_broken_pool()):
                return _heard(_awaited(future))
        try:  # alone, so that one task that ends its process takes no other with it
            return _heard(_awaited(_submitted(task, given, jobs)))
        except _broken_pool():
            raise ProcessError(_LOST) from None

    waiting = functools.cache(result)
    weakref.finalize(waiting, _drop, future, begun_by)
    return waiting


def _told(task: Callable[..., Result], given: tuple[Any, ...]) -> tuple[Result, dict[str, Said]]:
    """The result of a task with the messages that it said, which belong to the process that waits for it."""
    with collected() as found:
        return task(*given), found


def _heard(told: tuple[Result, Mapping[str, Said]]) -> Result:
    result, messages = told
    note(messages)
    return result


def _submitted(
    task: Callable[..., Result], given: tuple[Any, ...], jobs: int
) -> Future[tuple[Result, dict[str, Said]]]:
    from joblib import cpu_count
    from joblib.externals.loky import get_reusable_executor

    _end_pool_with_child(os.getpid())
    # every process of the pool is told its parent, also one that is never given a task: it would stay for minutes after a kill
    with _without_interrupts():
        pool: Any = get_reusable_executor(
            max_workers=cpu_count() if jobs == -1 else jobs, timeout=IDLE, initializer=_enter, initargs=(os.getpid(),),
            env={name: os.environ.get(name, "1") for name in _THREADS},
        )  # fmt: skip
        return pool.submit(_told, task, given)


def _awaited(future: Future[Result]) -> Result:
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit):  # nobody asks for the rest
        _end_pool(os.getpid())
        raise


def _drop(future: Future[Any], begun_by: int) -> None:
    if os.getpid() == begun_by:
        future.cancel()


def _enter(parent: int) -> None:
    """Tell a process of the pool that it is one, and whom to end with."""
    global _in_pool
    _in_pool = True
    end_with(parent)


def _broken_pool() -> type[Exception]:
    from joblib.externals.loky import BrokenProcessPool

    return BrokenProcessPool


def _pool_module() -> Any:
    """Where loky keeps the pool of this process; None before the first task."""
    return sys.modules.get("joblib.externals.loky.reusable_executor")


def _own_pool() -> None:
    """Have a process that was forked from another start a pool of its own, since it has none of the threads that serve that one's."""
    module = _pool_module()
    if module is not None:
        _pools_of_parents.append(module._executor)  # kept: the end of it would wake or stop the workers of the parent
        module._executor, module._executor_lock = None, threading.RLock()


_pools_of_parents: Final[list[object]] = []
_in_pool = False
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_own_pool)


@functools.cache
def _end_pool_with_child(child: int) -> None:
    """Have a child of multiprocessing end its pool before it waits for its own children: they stay for five minutes without a task."""
    if multiprocessing.parent_process() is not None:
        util.Finalize(None, _end_pool, args=(child,), exitpriority=10)


def _end_pool(owner: int) -> None:
    module = _pool_module()
    if os.getpid() == owner and module is not None and module._executor is not None:
        module._executor.shutdown(wait=True, kill_workers=True)


@functools.cache
def end_with(parent: int) -> None:
    """Have this process end as soon as its parent does, and leave an interrupt from the keyboard to the parent.

    Parameters
    ----------
    parent : int
        Its number; that of this process itself does nothing.
    """
    if os.getpid() == parent:
        return
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    elif sys.platform != "win32":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # it ended before this process asked to be told: its number says nothing, as it stays until somebody has asked how it ended
    if sys.platform != "win32" and os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


@contextlib.contextmanager
def _without_interrupts() -> Generator[None]:
    """Hold interrupts from the keyboard back while processes are started, which would each tell of theirs: they inherit this."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _cluster(scheduler: str) -> Generator[None]:
    """Have joblib send its tasks to the workers of a scheduler."""
    from joblib import parallel_config

    dask = extra("dask.distributed", f'scheduler "{scheduler}"')
    try:
        client = dask.Client(scheduler, timeout=SECONDS)
    except (OSError, ValueError) as problem:
        raise SchedulerError(
            f'No Dask scheduler answers at "{scheduler}" ({type(problem).__name__}). Expected an address such as tcp://10.0.0.5:8786. '
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`."
        ) from None
    with client, parallel_config(backend="dask", wait_for_workers_timeout=SECONDS):
        yield
