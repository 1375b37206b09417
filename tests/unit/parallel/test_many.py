"""The same task on many things: the same results in the same order, wherever they are made."""

from __future__ import annotations

import contextlib
import gc
import json
import operator
import os
import select
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest

import wwm_models as wwm
from wwm_models.errors import ExtraError, ProcessError, SchedulerError
from wwm_models.parallel import begin

HERE = Path(__file__).parent


def test_results_stand_in_the_order_of_the_items():
    assert wwm.run_many(partial(operator.mul, 3), range(5)) == [0, 3, 6, 9, 12]
    assert wwm.run_many(partial(operator.mul, 3), iter(range(5)), jobs=2) == [0, 3, 6, 9, 12]


def test_a_task_nobody_waits_for_is_dropped_in_silence(tmp_path: Path):
    done = tmp_path / "done"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        waiting = begin(Path.touch, done)
        deadline = time.monotonic() + 30
        while not done.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        del waiting
        gc.collect()
    assert done.exists()
    assert [str(one.message) for one in said] == []


def ends_its_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_a_while(number: int) -> int:
    time.sleep(1)
    return number


@pytest.mark.parametrize("other", ["raises", "is dropped", "is dropped unstarted", "ends its process"])
def test_a_task_leaves_the_others_of_the_pool_alone(other: str):
    """What one task does, or that nobody waits for it, costs no other its result: a figure that fails costs no other figure."""
    waiting = [begin(after_a_while, at) for at in range(3)]
    if other == "raises":
        with pytest.raises(ValueError, match="invalid literal"):
            begin(int, "x")()
    elif other == "ends its process":
        with pytest.raises(
            ProcessError,
            match=r"A process of this run ended before it gave its result, and so did the one that tried again\. Expected it to live: "
            r"systems end processes when memory runs out\. Close other programs, or ask for less, and run again\.",
        ):
            begin(ends_its_process)()
    else:
        dropped = [begin(after_a_while, at) for at in range(1 if other == "is dropped" else 5)]
        del dropped
        gc.collect()
    assert [one() for one in waiting] == [0, 1, 2]


def test_a_task_of_the_pool_begins_no_pool_of_its_own():
    assert begin(processes_of, 3)() == 1


def processes_of(tasks: int) -> int:
    """How many processes do the tasks of a process of the pool."""
    return len({one() for one in [begin(os.getpid) for _ in range(tasks)]} | {os.getpid()})


@pytest.mark.slow
def test_a_cluster_gives_what_this_process_gives(tmp_path: Path):
    """Bootstrap replicates, simulations and the models of a study; in a process of its own, as clusters leave threads behind."""
    pytest.importorskip("dask.distributed", reason="Dask is not installed")
    command = [sys.executable, str(HERE / "dask_cluster.py"), str(tmp_path), "150"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("rows") > 10
    assert {name: value <= 1e-12 for name, value in found.items()} == dict.fromkeys(found, True)
    assert set(found) == {"replicates", "standard errors", "simulations", "study"}


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("dask.distributed", reason="Dask is not installed")

    def unreachable(address: str, timeout: float) -> None:
        raise TimeoutError

    monkeypatch.setattr("dask.distributed.Client", unreachable)
    with pytest.raises(SchedulerError) as caught:
        wwm.run_many(abs, [1], scheduler="tcp://10.0.0.5:8786")
    assert str(caught.value) == (
        'No Dask scheduler answers at "tcp://10.0.0.5:8786" (TimeoutError). Expected an address such as tcp://10.0.0.5:8786. '
        "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`."
    )


def test_dask_that_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ExtraError) as caught:
        wwm.run_many(abs, [1], scheduler="tcp://10.0.0.5:8786")
    assert str(caught.value) == (
        'scheduler "tcp://10.0.0.5:8786" needs Dask, which is not installed (import of dask.distributed halted; None in sys.modules). '
        'Expected the extra "scale" of this package. Install it with `pip install "wwm-models[scale]"`.'
    )


BEGIN = """
import os, sys, time
from pathlib import Path
from wwm_models.parallel import begin, run_many
from wwm_models.survey.formats.statistical import run_in_subprocess

def works(place):
    (Path(place) / str(os.getpid())).touch()
    time.sleep(120)

def here():
    works(sys.argv[1])

if __name__ == "__main__":
    kind = sys.argv[2]
    if kind == "begin":
        begin(works, sys.argv[1])()
    elif kind == "run_many":
        run_many(works, [sys.argv[1]] * 2, jobs=2)
    else:
        run_in_subprocess(here, 1.0)
"""


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("kind", ["begin", "run_many", "apart"])
def test_helper_processes_end_with_their_parent(kind: str, number: int, tmp_path: Path):
    script, place = tmp_path / "script.py", tmp_path / "at_work"
    place.mkdir()
    script.write_text(BEGIN, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script), str(place), kind]) as parent:
        until = time.monotonic() + 60
        while not (helpers := [int(path.name) for path in place.iterdir()]) and time.monotonic() < until:
            time.sleep(0.05)
        assert helpers
        parent.send_signal(number)
        parent.wait()
        until = time.monotonic() + 2
        while any(alive(one) for one in helpers) and time.monotonic() < until:
            time.sleep(0.05)
        assert not [one for one in helpers if alive(one)]


FORKED = """
import os, sys, time
from wwm_models.parallel import begin, run_many

def slow(number):
    time.sleep(3)
    return number + 1

if __name__ == "__main__":
    finished, waiting = begin(abs, -1), begin(slow, 1)
    finished()
    child = os.fork()
    if child == 0:
        kind, found = sys.argv[1], None
        if kind == "begun before and finished":
            found = finished() == 1
        elif kind == "begun before":
            found = waiting() == 2
        elif kind == "begun here":
            found = begin(abs, -3)() == 3
        elif kind == "many":
            found = run_many(abs, [-1, 2], jobs=2) == [1, 2]
        else:
            del waiting
            found = True
        os._exit(0 if found else 1)
    until = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < until:
        time.sleep(0.05)
    if not ended[0]:
        os.kill(child, 9)
        os.waitpid(child, 0)
        sys.exit("the forked process did not end")
    # what the child does leaves the parent's own pool alone
    sys.exit(ended[1] or waiting() != 2 or begin(abs, -5)() != 5)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks")
@pytest.mark.parametrize("kind", ["begun before and finished", "begun before", "begun here", "many", "dropped"])
def test_a_forked_process_has_a_pool_of_its_own(kind: str, tmp_path: Path):
    """A child has none of the threads that serve its parent's pool: waiting for it would never end."""
    script = tmp_path / "script.py"
    script.write_text(FORKED, encoding="utf-8")
    said = tmp_path / "said.txt"
    with said.open("w") as sink:
        command = [sys.executable, "-W", "ignore", str(script), kind]
        done = subprocess.run(command, stdout=sink, stderr=sink, timeout=180)
    assert done.returncode == 0, said.read_text()[-2000:]


IDLE = """
import os, sys, time
from pathlib import Path
from joblib.externals.loky import get_reusable_executor
from wwm_models.parallel import begin

if __name__ == "__main__":
    begin(abs, -1)()
    Path(sys.argv[1]).write_text(" ".join(map(str, get_reusable_executor(reuse=True)._processes)))
    time.sleep(120)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_idle_processes_of_the_pool_end_with_their_parent(tmp_path: Path):
    """A pool has two processes, and one of them may never have been given a task."""
    script, place = tmp_path / "script.py", tmp_path / "pool.txt"
    script.write_text(IDLE, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script), str(place)]) as parent:
        until = time.monotonic() + 60
        while not (place.exists() and place.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        pool = [int(one) for one in place.read_text().split()]
        assert len(pool) == 2
        parent.kill()
        parent.wait()
        until = time.monotonic() + 30
        while any(alive(one) for one in pool) and time.monotonic() < until:
            time.sleep(0.05)
        left = [one for one in pool if alive(one)]
        for one in left:
            os.kill(one, signal.SIGKILL)
        assert not left


ORPHANS = """
import os, signal, sys, time
from wwm_models.parallel import begin, end_with

def orphaned(parent):
    while os.getppid() == parent:
        time.sleep(0.01)

if __name__ != "__main__":  # a process of the pool, which is still importing
    orphaned(int(os.environ["PARENT"]))
elif sys.argv[1] == "pool":
    os.environ["PARENT"] = str(os.getpid())
    waiting = begin(abs, -1)
    os.kill(os.getpid(), signal.SIGKILL)
elif (parent := os.getpid()) and os.fork() == 0:
    orphaned(parent)
    end_with(parent)
    print("it goes on", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("kind", ["forked", "pool"])
def test_a_helper_that_starts_after_its_parent_ended_ends_too(kind: str, tmp_path: Path):
    """Nobody has asked how the parent ended, so that its number still stands for a process."""
    script = tmp_path / "script.py"
    script.write_text(ORPHANS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), kind], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        ended, _, _ = select.select([parent.stdout], [], [], 60)  # it is open as long as a helper lives
        said = parent.stdout.read() if ended else b"a helper lives"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
    assert said == b""


@pytest.mark.slow
@pytest.mark.parametrize("started", ["spawn", "fork"])
def test_a_child_of_multiprocessing_that_had_a_pool_ends_at_once(started: str, tmp_path: Path):
    """It would wait for its own idle processes, which stay for five minutes."""
    code = (
        "import multiprocessing, time\n"
        "import wwm_models as wwm\n"
        "def work():\n    print(wwm.run_many(abs, [-1, 2, -3], jobs=2), flush=True)\n"
        "if __name__ == '__main__':\n"
        f"    child = multiprocessing.get_context({started!r}).Process(target=work)\n"
        "    child.start(); child.join(60); print(child.exitcode); child.kill()\n"
    )
    file = tmp_path / "child.py"
    file.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=200)
    assert done.stdout == "[1, 2, 3]\n0\n", done.stderr
