"""``make test-pythons``: the built wheel with the newest releases that pip finds, on every Python of this machine, two at once.

Of each Python, in a new environment and a folder of its own: `wwm demo --quick` and `wwm verify`; a core of the tests; a saved posterior
opened by ArviZ alone; likelihood numbers and posterior means, which must agree between the Pythons; and once bambi beside the package.
Runs on the standard library. A Python that is not here is said in one line; where some are asked for (``run.py 3.13``), the others give their
numbers only, of every family fitted and sampled, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
BESIDE = "3.13"  # where bambi is installed too
CORE = (  # what a new release could change; `alone.py` opens a saved posterior, `same_numbers.py` samples one of each family
    "tests/laws/test_probabilities.py",
    "tests/laws/test_shares.py",
    "tests/reference/test_r_numbers.py",
    "tests/unit/bayes/test_entries.py",
    "tests/page/test_tables.py",
)
EXACT = 1e-10  # relative: likelihood numbers of two Pythons
ERRORS = 4.0  # Monte Carlo errors between two posterior means


def main() -> int:
    """0 where everything passed on every Python that is here; without arguments every one is asked for."""
    asked = sys.argv[1:] or PYTHONS
    if unknown := sorted(set(asked) - set(PYTHONS)):
        sys.exit(
            f"Python {', '.join(unknown)}: not one of {', '.join(PYTHONS)}. Ask for some of these, or name none for all."
        )
    with tempfile.TemporaryDirectory(prefix="wwm-pythons-") as name:
        folder = Path(name)
        wheel = built(folder)
        here = {version: python for version in PYTHONS if (python := interpreter(version))}
        for version in sorted(set(PYTHONS) - set(here)):
            print(f"Python {version}: not on this machine, so not tested.", flush=True)
        with ThreadPoolExecutor(2) as two:
            running = {
                version: two.submit(tested, version, here[version], wheel, folder / version, whole=version in asked)
                for version in sorted(here, key=lambda version: (version != BESIDE, version))  # the longest first
            }
            numbers = {version: task.result() for version, task in running.items()}
        compare(numbers)
    print(f"test-pythons: passed on {', '.join(numbers)}." if numbers else "test-pythons: no Python found.")
    return 0 if numbers else 1


def interpreter(version: str) -> str | None:
    """Where a Python of this version is: on the path, or among those of pyenv."""
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [
        sys.executable,
        shutil.which(f"python{version}"),
        *map(str, sorted(of_pyenv.glob(f"{version}.*/bin/python"), reverse=True)),
    ]
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for place in filter(None, places):
        said = subprocess.run([place, "-c", code], capture_output=True, text=True, check=False)
        if said.returncode == 0 and said.stdout.strip() == version:
            return place
    return None


def built(folder: Path) -> Path:
    """The wheel, made from the source distribution, so that both can be published."""
    tools = folder / "tools"
    call([sys.executable, "-m", "venv", str(tools)])
    call(
        [str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build", "uv"]
    )
    call(
        [
            str(tools / "bin" / "python"),
            "-m",
            "build",
            "--installer",
            "uv",
            "--outdir",
            str(folder / "dist"),
            str(ROOT),
        ],
        quiet=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def tested(version: str, python: str, wheel: Path, folder: Path, *, whole: bool) -> dict:
    """Everything on one Python, or its numbers only; gives these."""
    began = time.monotonic()
    folder.mkdir()
    own = str(folder / "env" / "bin" / "python")
    call([python, "-m", "venv", str(folder / "env")])
    install(own, wheel)
    if whole:
        studied(own, folder)
    found = json.loads(call([own, str(HERE / "same_numbers.py")], cwd=folder, quiet=True))
    if whole and version == BESIDE:
        install(own, "bambi")
        call([own, "-m", "pip", "check"], cwd=folder)
        call([own, str(HERE / "beside.py")], cwd=folder)
    libraries = ", ".join(f"{name} {found['versions'][name]}" for name in ("pymc", "arviz", "nutpie"))
    what = "passed" if whole else "gave its numbers only"
    print(f"Python {version}: {what} with {libraries} in {time.monotonic() - began:.0f} s.", flush=True)
    return found


def studied(own: str, folder: Path) -> None:
    """The demo, its results verified, a saved posterior by ArviZ alone, and a core of the tests."""
    wwm = str(Path(own).with_name("wwm"))
    call([wwm, "demo", "--quick"], cwd=folder, quiet=True)
    call([wwm, "verify", "results/wwm21-synthetic"], cwd=folder, quiet=True)
    saved = sorted((folder / "results/wwm21-synthetic/posterior").glob("*.nc"))
    install(own, "pytest", "hypothesis", "matplotlib")
    call([own, str(HERE / "alone.py"), str(saved[0])], cwd=folder)
    call([own, str(HERE / "core.py"), "-q", "-p", "no:cacheprovider", *CORE], cwd=ROOT)


def install(python: str, *what: object) -> None:
    """Install the newest releases, by uv, which keeps what it fetched for the next Python."""
    uv = Path(python).parents[3] / "tools" / "bin" / "uv"
    call([str(uv), "pip", "install", "--quiet", "--upgrade", "--python", python, *map(str, what)])


def compare(numbers: dict[str, dict]) -> None:
    """Hold every Python's numbers to the first one's.

    Raises
    ------
    SystemExit
        If a likelihood number differs by more than `EXACT`, or a posterior mean by more than `ERRORS` Monte Carlo errors.
    """
    first, *others = numbers or [""]
    for other in others:
        one, two = numbers[first], numbers[other]
        for name, value in one["likelihood"].items():
            if abs(value - two["likelihood"][name]) > EXACT * max(abs(value), 1e-3):
                sys.exit(
                    f"{name}: {value!r} on Python {first}, {two['likelihood'][name]!r} on {other}. Expected the same to {EXACT}."
                )
        for name, (mean, error) in one["posterior"].items():
            other_mean, other_error = two["posterior"][name]
            distance = abs(mean - other_mean) / (error**2 + other_error**2) ** 0.5
            if distance > ERRORS:
                sys.exit(
                    f"{name}: {distance:.1f} Monte Carlo errors between Python {first} and {other}. Expected at most {ERRORS}."
                )
        count = len(one["likelihood"]), len(one["posterior"])
        print(
            f"Python {other} against {first}: {count[0]} likelihood numbers and {count[1]} posterior means agree.",
            flush=True,
        )


def call(command: list[str], cwd: Path | None = None, *, quiet: bool = False) -> str:
    """Run a command, and end everything with its output where it fails."""
    foreign = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    settings = {name: value for name, value in os.environ.items() if name not in foreign}
    done = subprocess.run(
        command, cwd=cwd, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
        env={**settings, "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr or ''}\nended with exit code {done.returncode}")
    if not quiet and done.stdout.strip():
        print(done.stdout.strip().splitlines()[-1], flush=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
