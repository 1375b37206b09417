"""Progress without a terminal: plain lines, also while one thing takes long."""

from __future__ import annotations

import time

from wwm_models.cli import progress


def test_lines_are_repeated_while_nothing_is_finished(capsys):
    with progress._lines(seconds=0.05) as tell:
        tell("importing the sampler", 0, 3)
        tell("sampling desired", 1, 3)
        time.sleep(0.4)
        tell("writing", 3, 3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[0/3] importing the sampler (")
    assert sum(line.startswith("[1/3] sampling desired (") for line in lines) >= 2
    assert lines[-1].startswith("[3/3] writing (")
