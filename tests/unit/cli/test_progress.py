"""Progress without a terminal: plain lines, also while one thing takes long."""

from __future__ import annotations

import time

from wwm_models.cli import terminal_text as progress


def test_lines_are_repeated_while_nothing_is_finished(capsys):
    lines: list[str] = []
    repeated = "[1/3] sampling desired ("
    with progress._lines(seconds=0.05) as tell:
        tell("importing the sampler", 0, 3)
        tell("sampling desired", 1, 3)
        last = time.monotonic() + 60.0
        while sum(line.startswith(repeated) for line in lines) < 2 and time.monotonic() < last:
            time.sleep(0.02)
            lines += capsys.readouterr().err.splitlines()
        tell("writing", 3, 3)
    lines += capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[0/3] importing the sampler (")
    assert sum(line.startswith(repeated) for line in lines) >= 2
    assert lines[-1].startswith("[3/3] writing (")
