"""Results that were damaged or changed after the run are refused in one message, whatever happened to which file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wwm_models.cli.main import main
from wwm_models.results.atomic_files import write_table
from wwm_models.results.results import Results, write_labels, write_manifest

DAMAGE: dict[str, Callable[[Path], object]] = {
    "absent": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2]),
    "garbage": lambda path: path.write_bytes(bytes(range(256))),
    "other encoding": lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes()),
    "one line": lambda path: path.write_bytes(path.read_bytes()[:60].partition(b"\n")[0] + b"\n"),
    "JSON of others": lambda path: path.write_text("[]", encoding="utf-8"),
    "swapped": lambda path: shutil.copyfile(
        path.with_name("claims.csv" if path.stem == "accounting" else "accounting.csv"), path
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
SHOWN = ("comparison.csv", "claims.csv", "labels.json", "accounting.csv", "manifest.json")


@pytest.fixture(scope="module")
def undamaged(make: Callable[..., Results], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder without its page: the tables, what explains them, and a manifest."""
    folder, results = tmp_path_factory.mktemp("undamaged"), make(bayes=False)
    for name, table in results.tables.items():
        write_table(table, folder / f"{name}.csv")
    write_labels(results, folder)
    write_manifest(folder, {"study": results.study})
    return folder


@pytest.fixture
def finished(undamaged: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(undamaged, tmp_path / "out")


def commands(out: Path) -> tuple[list[str], ...]:
    return ["show", str(out)], ["claims", str(out)], ["report", str(out)], ["verify", str(out)]


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_file_that_is_not_as_the_run_wrote_it_is_refused(
    kind: str, name: str, finished: Path, capsys: pytest.CaptureFixture[str]
):
    out = finished
    DAMAGE[kind](out / name)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for command in commands(out):
        reads = command[0] != "show" or name in ("comparison.csv", "manifest.json")
        code = main(command)
        said = capsys.readouterr()
        if command[0] == "verify" and name != "manifest.json":
            assert code == 1
            assert name in said.out
        elif reads:
            assert code == 2, command
            assert said.out == ""
            assert name in said.err
        else:
            assert code == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["comparison.csv", "claims.csv", "labels.json", "accounting.csv"])
@pytest.mark.parametrize("kind", ["empty", "garbage", "one line", "JSON of others", "swapped"])
def test_a_damaged_file_that_a_manifest_vouches_for_is_no_traceback(
    kind: str, name: str, finished: Path, capsys: pytest.CaptureFixture[str]
):
    out = finished
    DAMAGE[kind](out / name)
    facts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    facts.pop("files")
    write_manifest(out, facts)
    for command in commands(out)[:2]:
        assert main(command) in (0, 1, 2)
        assert all(len(line) > 40 for line in capsys.readouterr().err.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("link", ["report.html", "figures", "tables"])
def test_a_report_writes_through_no_link(link: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, target = finished, tmp_path / "target"
    if link.endswith("s"):
        target.mkdir()
    else:
        target.write_bytes((out / link).read_bytes() if (out / link).exists() else b"mine")
        (out / link).unlink(missing_ok=True)
    facts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    before = target.read_bytes() if target.is_file() else []
    (out / link).symlink_to(target)
    if target.is_file():
        facts.pop("files")
        write_manifest(out, facts)
    code = main(["report", str(out)])
    assert (target.read_bytes() if target.is_file() else list(target.iterdir())) == before
    assert code == (2 if target.is_dir() else 0)
    said = capsys.readouterr().err
    if target.is_dir():
        assert said == (
            f"wwm: {out} exists and holds, besides the results of a run, {link} and is left alone. Expected an empty folder, or the results of "
            "a run and nothing else. Move what is yours elsewhere. Give another --out.\n"
        )
    else:
        assert not (out / link).is_symlink()
