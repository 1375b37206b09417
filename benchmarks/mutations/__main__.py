"""``python -m benchmarks mutations [ID ...]``: plant each defect of tests/mutations/mutations.toml and see its test fail.

The sources and tests are copied to a temporary folder. All named tests must pass there as they are; then, one defect at a time, the named
test must fail (a test that cannot be run at all does not count). Writes benchmarks/results/mutations.md. The exit code is 1
where a defect is not caught.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: threads do not survive a fork

import shutil
import sys
import tempfile
import tomllib
import traceback
from dataclasses import dataclass
from pathlib import Path

import pandas as pd  # noqa: F401  (these libraries are loaded once, for every child)
import patsy  # noqa: F401
import pytest
import scipy.optimize
import scipy.stats  # noqa: F401

ROOT = Path(__file__).parents[2]
LIST = ROOT / "tests" / "mutations" / "mutations.toml"
RESULT = ROOT / "benchmarks" / "results" / "mutations.md"
COPIED = ("src", "tests", "models", "pyproject.toml", "README.md", "ARCHITECTURE.md")
TESTS_FAILED = 1  # pytest's exit code: tests ran and some failed; others mean that nothing was tested


@dataclass(frozen=True)
class Mutation:
    """A defect to plant, and the test that must notice.

    Attributes
    ----------
    id, what : str
        A name, and the defect in words.
    file : str
        Of the repository.
    find, replace : str
        The text, which stands exactly once in the file, and what takes its place.
    caught_by : str
        Pytest's name of the test.
    tripwire : bool
        Whether the test must fail by a TripwireError, in any fit, and not by its own assertion.
    """

    id: str
    what: str
    file: str
    find: str
    replace: str
    caught_by: str
    tripwire: bool = False

    @property
    def kind(self) -> str:
        """Law, reference or tripwire."""
        if self.tripwire:
            return "tripwire"
        return {"laws": "law", "reference": "reference"}.get(self.caught_by.split("/")[1], "unit test")

    def planted(self, text: str) -> str:
        """The file's text with the defect."""
        if text.count(self.find) != 1:
            raise ValueError(
                f"{self.id}: the text to replace stands {text.count(self.find)} times in {self.file}, not once."
            )
        return text.replace(self.find, self.replace)


def mutations() -> list[Mutation]:
    """The list, in its order."""
    return [Mutation(**entry) for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["mutation"]]


def copied(folder: Path) -> None:
    """Copy what the tests need into a folder, without compiled files that could outlive a change."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)


def run_tests(folder: Path, tests: list[str]) -> tuple[int, str]:
    """Pytest's exit code and output for tests of the copy, in a child process that finds the libraries loaded already.

    The child is a fork: what takes time in a run of one test is loading numpy, pandas and scipy, which no defect touches. The package
    itself is loaded in the child only, from the copy.
    """
    output = folder / "output.txt"
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = _in_child(folder, tests, output)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), output.read_text(encoding="utf-8")


def _in_child(folder: Path, tests: list[str], output: Path) -> int:
    with output.open("w", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    os.chdir(folder)
    sys.path[:0] = [str(folder / "src"), str(folder)]
    sys.dont_write_bytecode = True
    code = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--rootdir", str(folder), *tests]))
    sys.stdout.flush()
    return code


def caught(folder: Path, mutation: Mutation) -> bool:
    """Plant a defect, run its test, and take the defect out again."""
    path = folder / mutation.file
    text = path.read_text(encoding="utf-8")
    path.write_text(mutation.planted(text), encoding="utf-8")
    try:
        code, output = run_tests(folder, [mutation.caught_by])
        return code == TESTS_FAILED and ("TripwireError" in output or not mutation.tripwire)
    finally:
        path.write_text(text, encoding="utf-8")


def table(results: dict[str, bool], planted: list[Mutation]) -> str:
    """The results as a page."""
    lines = [
        "# Planted defects",
        "",
        "Made by `python -m benchmarks mutations`; the defects are in `tests/mutations/mutations.toml`. Each test passes without the defect.",
        "",
        f"{sum(results.values())} of {len(results)} caught.",
        "",
        "| defect | file | caught by | kind | caught |",
        "|---|---|---|---|---|",
    ]
    for one in planted:
        test = _cell(one.caught_by.removeprefix("tests/"))
        lines.append(
            f"| {_cell(one.what)} | {one.file.removeprefix('src/wwm_models/')} | {test} | {one.kind} | {'yes' if results[one.id] else 'NO'} |"
        )
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> None:
    """Run the whole list, or the defects named; exit with 1 where one is not caught."""
    planted = [one for one in mutations() if not arguments or one.id in arguments]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        code, output = run_tests(folder, sorted({one.caught_by for one in planted}))
        if code != 0:
            sys.stderr.write(output[-3000:] + "A named test fails without any defect, so it would prove nothing.\n")
            sys.exit(1)
        results: dict[str, bool] = {}
        for number, one in enumerate(planted, 1):
            results[one.id] = caught(folder, one)
            sys.stderr.write(f"{number}/{len(planted)} {one.id}: {'caught' if results[one.id] else 'NOT CAUGHT'}\n")
    if not arguments:
        RESULT.write_text(table(results, planted), encoding="utf-8")
    sys.exit(0 if all(results.values()) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
