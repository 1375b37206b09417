"""``python -m benchmarks.page RUN``: seconds to write page, figures and tables of a finished run, in a process of its own.

The clock starts when the tables of the run are there and includes the import of the drawing libraries. After the fits the chart
library is there too, since a run begins on it before them; `wwm report` has to make it first. Processor seconds are given beside the
clock's, since the drawing runs in threads beside Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS = 3
LIMIT = 5.0  # seconds, on two cores that do nothing else
CODE = """
import sys, time
from pathlib import Path
from wwm_models.report.chart_files import library
from wwm_models.report.report_files import write_report
from wwm_models.results.results import stored_results
results = stored_results(Path(sys.argv[1]))
if sys.argv[2] == "after the fits":
    library()()
clock, processor = time.perf_counter(), time.process_time()
write_report(results, Path(sys.argv[1]))
print(time.perf_counter() - clock, time.process_time() - processor)
"""


def main(run: Path) -> None:
    """Print the figures of every repeat and the best, and the size of the page."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        shutil.copytree(run, copy)
        for when in ("after the fits", "wwm report"):
            clock, processor = min(_seconds(copy, when) for _ in range(REPEATS))
            print(
                f"{when}: {clock:.2f} s on the clock, {processor:.2f} s of processors (best of {REPEATS}; limit {LIMIT:g} s)"
            )
        print(f"report.html: {(copy / 'report.html').stat().st_size / 1e6:.2f} MB")


def _seconds(run: Path, when: str) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", CODE, str(run), when], capture_output=True, text=True, check=True)
    clock, processor = (float(part) for part in done.stdout.split())
    return clock, processor


if __name__ == "__main__":
    main(Path(sys.argv[1]))
