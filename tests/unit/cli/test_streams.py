"""What leaves for a terminal commands nothing, and an output that is full or gone is said in one line."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from wwm_models.cli.main import Escaped, escaped, escaping, main


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", "a\\u001b[31mred\\u001b[0m"),
        ("\x9b2J", "\\u009b2J"),
        ("back\x08\rover", "back\\u0008\\u000dover"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("half \ud83d", "half \\ud83d"),
        ("één\tregel\n", "één\tregel\n"),
    ],
)
def test_nothing_that_commands_a_terminal_is_printed(text: str, shown: str, capsys: pytest.CaptureFixture[str]):
    with escaping():
        print(text, end="")
        print(text, end="", file=sys.stderr)
    assert capsys.readouterr() == (shown, shown)


def test_a_terminal_without_a_character_gets_its_number():
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print("één", end="", file=Escaped(ascii_only), flush=True)
    assert ascii_only.buffer.getvalue() == b"\\xe9\\xe9n"


@pytest.mark.parametrize("name", ["\x1b[2Jx.toml", "\u202ex"])
def test_a_name_in_a_message_and_in_the_usage_is_escaped(name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["show", name]) == 2
    with pytest.raises(SystemExit):
        main(["show", "x", name])
    said = capsys.readouterr().err
    assert name not in said
    assert said.count(escaped(name)) == 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_output_is_said_in_one_line():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "wwm_models.cli", "simulate", "--out", "-", "--n", "100"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "wwm: output: No space left on device. Expected files that can be read, and places with room and the right to write. Repair that "
        "and give the same command again: earlier results are untouched, finished models are kept."
    ]


def test_an_interrupt_while_a_command_is_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["show", "x"]) == 130
    assert (
        capsys.readouterr().err == "wwm: interrupted. Finished models are kept; the same command goes on from there.\n"
    )
