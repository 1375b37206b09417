"""A fault of the program ends a command in one message without a traceback; the steps that led to it lie in a file, what respondents said nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wwm_models.cli.main import main

ANSWER = "answer of respondent 17"
COMMANDS = {
    "run": ("cli.commands.run_study", ["run", "wwm21", "--data", "x.csv", "--out", "out"]),
    "demo": ("cli.commands.run_study", ["demo", "--quick", "--out", "out"]),
    "show": ("cli.commands.read_results", ["show", "out"]),
    "claims": ("cli.commands.stored_results", ["claims", "out"]),
    "report": ("cli.commands.rewrite_report", ["report", "out"]),
    "verify": ("cli.commands.verify_results", ["verify", "out"]),
}


@pytest.mark.parametrize(
    "problem", [KeyError(ANSWER), RuntimeError(ANSWER), AssertionError(ANSWER), ZeroDivisionError(ANSWER)]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_of_the_program_is_one_message(
    command: str,
    problem: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def fails(*_: object, **__: object) -> None:
        raise problem

    place, arguments = COMMANDS[command]
    monkeypatch.setattr(f"wwm_models.{place}", fails)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 70
    out, said = capsys.readouterr()
    kind = type(problem).__name__
    pattern = (
        rf"wwm: {command} ended by {kind} \(cli/commands.py, line \d+\). Expected no such error: it is a fault of this program, not of what it was "
        r"given. Report it to the makers with (?P<file>.*wwm-fault-.*\.txt), which holds the steps that led to it and nothing of the data. Earlier "
        r"results are untouched, finished models are kept.\n"
    )
    last = said[said.index("wwm: ") :]
    found = re.fullmatch(pattern, last)
    assert found is not None, last
    steps = Path(found["file"]).read_text(encoding="utf-8")
    assert steps.startswith(f"{kind}\nmain.py, line ")
    assert ANSWER not in out + said + steps
    assert "Traceback" not in said
