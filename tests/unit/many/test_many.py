"""The same task on many things: the same results in the same order, wherever they are made."""

from __future__ import annotations

import gc
import json
import operator
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest

import wwm_models as wwm
from wwm_models.errors import SchedulerError
from wwm_models.many import begin

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
    with pytest.raises(SchedulerError) as caught:
        wwm.run_many(abs, [1], scheduler="tcp://10.0.0.5:8786")
    assert str(caught.value) == (
        'scheduler "tcp://10.0.0.5:8786" needs Dask, which is not installed. Expected it beside this package. Install it with: '
        'pip install "wwm-models[scale]"'
    )


BEGIN = """
import os, sys, time
from pathlib import Path
from wwm_models.many import begin, run_many
from wwm_models.survey.readers.apart import apart

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
        apart(here, 1.0)
"""


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


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
