"""``python -m benchmarks.page RUN``: seconds to write page, figures and tables of a finished run, in a process of its own.

The clock starts when the tables of the run are there, as after the fits, and includes the import of the drawing libraries.
Processor seconds are given beside the clock's, since the drawing runs in threads beside Python.
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
from wwm_models.report import write_report
from wwm_models.store import stored_results
results = stored_results(Path(sys.argv[1]))
clock, processor = time.perf_counter(), time.process_time()
write_report(results, Path(sys.argv[1]))
print(time.perf_counter() - clock, time.process_time() - processor)
"""


def main(run: Path) -> None:
    """Print the figures of every repeat and the best, and the size of the page."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        shutil.copytree(run, copy)
        done = [
            subprocess.run([sys.executable, "-c", CODE, str(copy)], capture_output=True, text=True, check=True).stdout
            for _ in range(REPEATS)
        ]
        size = (copy / "report.html").stat().st_size
    seconds = [tuple(float(part) for part in line.split()) for line in done]
    for clock, processor in seconds:
        print(f"{clock:.2f} s on the clock, {processor:.2f} s of processors")
    best = min(seconds)[0]
    print(f"best of {REPEATS}: {best:.2f} s (limit {LIMIT:g}); report.html {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
