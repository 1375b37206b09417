"""A results folder is replaced only where it is one, never by two at once, and a disk that fails leaves the former one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wwm_models.errors import ResultsError
from wwm_models.results.atomic_files import write_bytes
from wwm_models.results.folder import Checkpoints, new_results, reserved
from wwm_models.results.results import verify_results, write_manifest


def results(folder: Path) -> Path:
    """The smallest folder that a run could have left."""
    folder.mkdir()
    (folder / "raw.csv").write_text("a\n1\n", encoding="utf-8")
    (folder / "labels.json").write_text("{}", encoding="utf-8")
    write_manifest(folder, {"study": "small"})
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def replaced(out: Path) -> None:
    with reserved(out), new_results(out) as fresh:
        write_bytes(b"new", fresh / "new.csv")


def foreign(text: str) -> Callable[[Path], None]:
    def change(out: Path) -> None:
        (out / "manifest.json").write_text(text, encoding="utf-8")

    return change


def beside(name: str) -> Callable[[Path], None]:
    def change(out: Path) -> None:
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine", encoding="utf-8")

    return change


NO_RUN = "holds a manifest.json that no run of this program wrote, so it is not a results folder and is left alone"
FOREIGN = {
    "an empty manifest": (
        foreign("{}"),
        "holds files of which nothing says whose they are, and is left alone. {out}/manifest.json is damaged: it lists no files. Expected the "
        "manifest as the run wrote it. Run the study again, into another folder.",
    ),
    "a manifest of others": (foreign('{"study": "x", "files": {"raw.csv": "abc", "labels.json": "abc"}}'), NO_RUN),
    "a web manifest": (foreign('{"name": "site", "files": {"raw.csv": 1, "labels.json": 1}}'), NO_RUN),
    "a file beside": (beside("notes.txt"), "holds, besides the results of a run, notes.txt and is left alone"),
    "a file deeper": (
        beside("figures/mine.png"),
        "holds, besides the results of a run, figures/mine.png and is left alone",
    ),
}
END = " Expected an empty folder, or the results of a run and nothing else. Move what is yours elsewhere. Give another --out."


@pytest.mark.parametrize("case", FOREIGN)
def test_a_folder_with_something_else_is_left_alone(case: str, tmp_path: Path):
    change, said = FOREIGN[case]
    out = results(tmp_path / "site")
    change(out)
    before = content(out)
    with pytest.raises(ResultsError) as refused:
        replaced(out)
    assert str(refused.value) == f"{out} exists and {said.replace('{out}', str(out)).rstrip('.')}.{END}"
    assert content(out) == before
    assert list(tmp_path.iterdir()) == [out]


def test_what_a_file_manager_left_is_not_in_the_way(tmp_path: Path):
    out = results(tmp_path / "site")
    (out / ".DS_Store").write_bytes(b"\0")
    (out / ".~lock.raw.csv#").write_bytes(b"")
    replaced(out)
    assert content(out) == {"new.csv": b"new"}


@pytest.mark.parametrize("name", ["*", "[ab]", "?", "a.new-b", "x" * 200])
def test_only_what_this_folder_left_is_removed(name: str, tmp_path: Path):
    others = tmp_path / ".b.new-0abc_123"
    own = tmp_path / f".{name}.new-0abc_123"
    longer = tmp_path / f".{name[:100]}.new-b.new-0abc_123"
    for folder in (others, own, longer):
        folder.mkdir()
    replaced(tmp_path / name)
    assert others.is_dir()
    assert longer.is_dir()
    assert not own.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([others.name, longer.name, name])


def test_a_second_run_into_a_folder_is_refused_and_a_later_one_is_not(tmp_path: Path):
    out = tmp_path / "new" / "out"
    with reserved(out):
        with pytest.raises(ResultsError) as refused, reserved(out):
            pass
        assert str(refused.value) == (
            f"{out} is being written by another run (process {os.getpid()}). Expected one run at a time for a results folder. Wait until it "
            "has ended, or give another --out."
        )
    assert not out.parent.exists()
    replaced(out)
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_lock_whose_process_is_gone_holds_nothing(tmp_path: Path):
    (tmp_path / ".out.lock").write_text("99999999\n", encoding="ascii")
    replaced(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_fails_leaves_the_former_results(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = results(tmp_path / "out")
    before = content(out)

    def fails(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(ResultsError) as refused:
        replaced(out)
    assert str(refused.value).endswith(
        f"new.csv cannot be written: {os.strerror(number)}. Expected room on the disk and the right to write there; what was there before is "
        "untouched. Make room, or give another place, and give the same command again: finished models are kept."
    )
    assert content(out) == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("link", ["out", ".out.finished", ".out.finished/posterior"])
def test_nothing_is_written_through_a_link(link: str, tmp_path: Path):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(target)
    with pytest.raises(ResultsError, match=r"plain folder.*Give another --out\.$"):
        replaced(tmp_path / "out")
    assert not list(target.iterdir())


def test_a_file_is_written_in_the_place_of_a_link(tmp_path: Path):
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    (tmp_path / "report.html").symlink_to(tmp_path / "mine")
    write_bytes(b"page", tmp_path / "report.html")
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "report.html").is_symlink()


def other_array(path: Path) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, allow_pickle=False, **{**arrays, "x": np.zeros(7)})


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(b"")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "0 bytes": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "other bytes": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(200)),
    "one byte": lambda path: path.write_bytes(path.read_bytes().replace(b"content", b"contend")),
    "other JSON": lambda path: np.savez(path, allow_pickle=False, facts=np.frombuffer(b"[1]", dtype=np.uint8)),
    "no facts": lambda path: np.savez(path, allow_pickle=False, x=np.zeros(2)),
    "another shape": other_array,
    "a folder": as_folder,
}


@pytest.mark.parametrize("room", ["", "posterior/chains"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_piece_is_made_again(kind: str, room: str, tmp_path: Path):
    kept = Checkpoints(tmp_path / "out", "key", room)
    kept.save("wish", {"a": 1}, {"x": np.arange(3.0)})
    assert kept.damaged() == []
    DAMAGE[kind](kept.folder / "wish.npz")
    assert kept.load("wish") is None
    where = (kept.folder / "wish.npz").relative_to(tmp_path)
    assert kept.damaged() == [f"{where} is damaged; what it held is made again"]
    kept.save("wish", {"a": 2}, {"x": np.arange(2.0)})
    found = kept.load("wish")
    assert found is not None
    assert found[0] == {"a": 2}
    assert found[1]["x"].tolist() == [0.0, 1.0]


def test_a_piece_of_other_inputs_is_neither_used_nor_damaged(tmp_path: Path):
    Checkpoints(tmp_path / "out", "other").save("wish", {}, {})
    kept = Checkpoints(tmp_path / "out", "key")
    assert (kept.load("wish"), kept.damaged()) == (None, [])


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd"])
def test_a_manifest_cannot_name_files_elsewhere(name: str, tmp_path: Path):
    out = results(tmp_path / "out")
    content = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    content["files"][name] = "0" * 64
    (out / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    assert verify_results(out) == [f"{name} is missing"]
