"""Runs that are killed, and writes that fail: the results are the former ones or the new ones, whole, and the next run finishes.

Every run is a fork of this process, so that a kill falls into the run and not into its imports; some are programs of their own. The forks are given
what a process of their pool would have drawn, since it was drawn before; the programs start their pool and draw.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.campaign.judged import ACCEPTED, CLEAR, LOST, RIGHT, TRACEBACK, WRONG, Judged, clear
from benchmarks.campaign.study import answers, write_study
from wwm_models.cli.main import main
from wwm_models.parallel import begin
from wwm_models.report import chart_files as report_charts
from wwm_models.report import report_files
from wwm_models.results.results import verify_results

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
PATIENCE = 120.0  # seconds in which a run has to use some of the processor, on a machine that others use
SOME = 1.0  # processor seconds: waiting in vain for another process costs less
LINGERING = 10.0  # seconds in which helpers of a killed run have to be gone
WHOLE = 0.06  # of the kills are of programs of their own


class Drawn:
    """What processes of a pool have made, by what they were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def begin(self, task: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """As `wwm_models.parallel.begin`; what was made before is not made again."""
        asked = pickle.dumps((task.__module__, task.__qualname__, arguments))
        place = self.folder / hashlib.sha256(asked).hexdigest()
        if place.exists():
            return partial(pickle.loads, place.read_bytes())
        waiting = begin(task, *arguments)

        def made() -> Any:
            found = waiting()
            beside = place.with_suffix(f".{os.getpid()}")
            beside.write_bytes(pickle.dumps(found))
            beside.replace(place)
            return found

        return made


@contextlib.contextmanager
def drawn_once(folder: Path) -> Iterator[None]:
    """Have runs in this process, and in its forks, draw a figure once."""
    begun = Drawn(folder).begin
    report_charts.library.cache_clear()
    report_files.begin = report_charts.begin = begun
    try:
        yield
    finally:
        report_files.begin = report_charts.begin = begin
        report_charts.library.cache_clear()


class Place:
    """A folder with a study, data, the results of a former run, and what a run in peace writes."""

    def __init__(self, folder: Path, *, small: bool = False) -> None:
        self.folder, self.out = folder, folder / "out"
        self.said = folder / "said.txt"
        self.study = write_study(folder / "study", small=small)
        answers(300, 5).to_csv(folder / "data.csv", index=False)
        self.new = self.line("0.9")
        # in this process, which has then imported, and drawn, what its forks need
        if self.here(self.line("0.95")) != 0:
            raise RuntimeError(f"the campaign's own study does not run: {self.heard()}")
        shutil.copytree(self.out, folder / "former")
        self.here(self.new)
        shutil.copytree(self.out, folder / "reference")
        started = time.monotonic()
        self.run(self.new)
        self.seconds = time.monotonic() - started
        self.restore()

    def here(self, arguments: list[str]) -> int:
        """Exit code of a call of the command line in this process; what it says is heard as of any run."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                return main(arguments)
            except SystemExit as stop:
                return stop.code if isinstance(stop.code, int) else 97
            finally:
                self.said.write_text(said.getvalue(), encoding="utf-8", errors="replace")

    def line(self, level: str, out: Path | None = None) -> list[str]:
        """Arguments of a run."""
        return [
            "run",
            str(self.study),
            "--data",
            str(self.folder / "data.csv"),
            "--out",
            str(out or self.out),
            "--level",
            level,
        ]

    def restore(self) -> None:
        """The former results, and nothing beside them."""
        for path in (self.out, *self.folder.glob(".out*")):
            remove(path)
        shutil.copytree(self.folder / "former", self.out)

    def start(self, arguments: list[str], before: Callable[[], None] = lambda: None) -> int:
        """A run as a fork with a session of its own; gives its process id."""
        child = os.fork()
        if child:
            return child
        code = 99
        try:
            os.setsid()
            sink = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            before()
            code = main(arguments)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 97
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 98
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def run(self, arguments: list[str], before: Callable[[], None] = lambda: None) -> int:
        """Exit code of a run that is waited for; 124 if it hung."""
        return self.waited(self.start(arguments, before))

    def waited(self, child: int) -> int:
        """Exit code of a fork, negative for the signal that ended it; 124 if it hung."""
        looked, used = time.monotonic(), 0.0
        while True:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
            if time.monotonic() > looked + PATIENCE:
                now = seconds_of(child)
                if now < used + SOME:
                    break
                looked, used = time.monotonic(), now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return 124

    def heard(self) -> str:
        """What the last run said."""
        return self.said.read_text(encoding="utf-8", errors="replace") if self.said.exists() else ""

    def verdict(self) -> tuple[str, str]:
        """Whether the results are former or new, and whole."""
        if not self.out.exists():
            return LOST, "there are no results"
        problems = verify_results(self.out)
        if problems:
            return LOST, f"not as the manifest says: {problems[:3]}"
        level = json.loads((self.out / "manifest.json").read_text(encoding="utf-8"))["settings"]["level"]
        return (RIGHT, "") if level in (0.95, 0.9) else (WRONG, f"level {level}")

    def finished(self) -> tuple[str, str]:
        """Whether the next run finishes, with the tables of a run in peace and nothing left beside them."""
        code = self.run(self.new)
        if code != 0:
            return LOST, f"the next run ended with {code}: {self.heard()[-600:]}"
        for path in (self.folder / "reference").glob("*.csv"):
            if (self.out / path.name).read_bytes() != path.read_bytes():
                return WRONG, f"{path.name} differs from a run in peace"
        left = [path.name for path in self.folder.glob(".out*")]
        return (LOST, f"left beside the results: {left}") if left else (RIGHT, "")


def remove(path: Path) -> None:
    """A file, link or folder, if it is there."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def processes() -> list[tuple[int, list[str]]]:
    """Every process, with the fields of its state from the third on (proc(5))."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            found.append((int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()))
    return found


def session_of(leader: int) -> list[int]:
    """Processes that a run left behind."""
    return [number for number, fields in processes() if int(fields[3]) == leader and fields[0] != "Z"]


def seconds_of(leader: int) -> float:
    """Processor seconds that the living processes of a run have used."""
    ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in processes() if int(fields[3]) == leader)
    return ticks / os.sysconf("SC_CLK_TCK")


def _killed(place: Place, name: str, rng: random.Random) -> tuple[str, str]:
    moment = rng.uniform(0.0, 1.1)
    if rng.random() < WHOLE:
        process = subprocess.Popen(
            [sys.executable, "-m", "wwm_models.cli", *place.new],
            stdout=subprocess.DEVNULL,
            stderr=place.said.open("w"),
            start_new_session=True,
        )
        child, moment = process.pid, moment * (place.seconds + 2.0)
        time.sleep(moment)
        os.kill(child, SIGNALS[name])
        code = process.wait(PATIENCE)
    else:
        child = place.start(place.new)
        time.sleep(moment * place.seconds)
        os.kill(child, SIGNALS[name])
        code = place.waited(child)
    last = time.monotonic() + LINGERING
    while (left := session_of(child)) and time.monotonic() < last:
        time.sleep(0.05)
    for one in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    if left:
        return LOST, f"{len(left)} processes outlived the run by {LINGERING:.0f} seconds"
    if "Traceback" in place.heard() or code in (70, 98):
        return TRACEBACK, place.heard()[-900:]
    if code == 124:
        return LOST, "the run did not end"
    if name == "SIGINT" and code not in (0, 130, -signal.SIGINT):
        return WRONG, f"exit code {code} after an interrupt"
    return place.verdict()


def _refused(place: Place, code: int, *, keep: bool = True) -> tuple[str, str]:
    """A run that could not write: it says so, and the former results stand."""
    said = place.heard()
    if "Traceback" in said or code in (70, 98):
        return TRACEBACK, said[-900:]
    if code == 124:
        return LOST, "the run did not end"
    if code not in (0, 1, 2, 130):
        return WRONG, f"exit code {code}: {said[-400:]}"
    column, what = place.verdict() if keep else (RIGHT, "")
    if column != RIGHT:
        return column, f"{what} (exit {code}): {said[-400:]}"
    if code == 2 and not clear(said[said.find("wwm: ") + 5 :].strip()):
        return TRACEBACK, f"an unclear message: {said[-600:]}"
    return (CLEAR if code == 2 else RIGHT), ""


def _files_of_limited_size(place: Place, rng: random.Random) -> tuple[str, str]:
    size = rng.choice([0, 1, 100, 3000, 20_000, 100_000, 400_000])

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    # what a run says goes to a file here, which a limit of nothing would silence too
    code = place.run(place.new, limited)
    said = place.heard()
    if code == 2 and len(said) >= size - 100:
        return place.verdict()
    return _refused(place, code)


def _disk_full(place: Place, rng: random.Random) -> tuple[str, str]:
    """A file system of its own, too small for the results."""
    disk = place.folder / "disk"
    disk.mkdir(exist_ok=True)
    size = rng.choice(["16k", "64k", "300k", "900k", "1500k"])
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode:
        return ACCEPTED, "no file system could be mounted here"
    try:
        (disk / "mine.txt").write_text("mine", encoding="utf-8")
        code = place.run(place.line("0.9", disk / "out"))
        column, what = _refused(place, code, keep=False)
        if (disk / "mine.txt").read_text(encoding="utf-8") != "mine":
            return LOST, "a file of the user's is gone"
        left = [path.name for path in disk.iterdir() if path.name not in ("mine.txt", "out")]
        if (
            left
            and code != 0
            and sum(one.stat().st_size for name in left for one in (disk / name).rglob("*") if one.is_file()) > 200_000
        ):
            return LOST, f"left on the full disk: {left}"
        return column, what
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _read_only(place: Place, rng: random.Random) -> tuple[str, str]:
    disk = place.folder / "disk"
    disk.mkdir(exist_ok=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode:
        return ACCEPTED, "no file system could be mounted here"
    try:
        return _refused(place, place.run(place.line("0.9", disk / rng.choice(["out", "a/b"]))), keep=False)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _two_runs(place: Place, rng: random.Random) -> tuple[str, str]:
    first = place.start(place.new)
    time.sleep(rng.uniform(0, place.seconds))
    said = place.said
    place.said = place.folder / "said-2.txt"
    try:
        codes = [place.run(place.line("0.95" if rng.random() < 0.5 else "0.9")), place.waited(first)]
        both = said.read_text(errors="replace") + place.heard()
    finally:
        place.said = said
    if "Traceback" in both or {70, 98} & set(codes):
        return TRACEBACK, both[-900:]
    if 124 in codes or 0 not in codes:
        return LOST, f"exit codes {codes}: {both[-500:]}"
    return place.verdict()


def damaged(path: Path, rng: random.Random) -> str:
    """Spoil a file in one of six ways; gives the way."""
    content = path.read_bytes()
    way = rng.choice(["emptied", "cut", "a bit", "other text", "other json", "removed", "a folder"])
    if way == "emptied":
        path.write_bytes(b"")
    elif way == "cut":
        path.write_bytes(content[: int(rng.random() * len(content))])
    elif way == "a bit" and content:
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :])
    elif way == "other text":
        path.write_bytes(b'\xff\xfe\x00garbage,\n\n"')
    elif way == "other json":
        path.write_text(rng.choice(["{}", "[]", "null", '{"a": [1]}', "1"]), encoding="utf-8")
    elif way in ("removed", "a folder"):
        path.unlink()
        if way == "a folder":
            path.mkdir()
    return way


def _damaged_checkpoints(place: Place, rng: random.Random) -> tuple[str, str]:
    child = place.start(place.new)
    time.sleep(rng.uniform(0.2, 0.95) * place.seconds)
    os.kill(child, signal.SIGKILL)
    place.waited(child)
    held = [path for folder in place.folder.glob(".out*") for path in folder.rglob("*") if path.is_file()]
    if not held:
        return ACCEPTED, "nothing was kept at that moment"
    ways = [f"{path.name} {damaged(path, rng)}" for path in rng.sample(held, min(len(held), 2))]
    column, what = place.finished()
    return column, f"{ways}: {what}" if what else ""


def _damaged_results(place: Place, rng: random.Random) -> tuple[str, str]:
    path = rng.choice([one for one in place.out.rglob("*") if one.is_file()])
    way = damaged(path, rng)
    command = rng.choice(
        [
            ["show"],
            ["claims"],
            ["report"],
            ["verify"],
            ["report", "--lang", "en"],
            ["verify", "--against", str(place.folder / "former")],
        ]
    )
    code = place.run([command[0], str(place.out), *command[1:]])
    said = place.heard()
    what = f"{path.name} {way}, wwm {' '.join(command[:2])}: exit {code}: {said[-500:]}"
    if "Traceback" in said or code in (70, 98, 124):
        return TRACEBACK, what
    shown = path.suffix == ".csv" and (command[0] != "show" or path.name == "comparison.csv")  # what the command reads
    listed = shown and way in ("cut", "a bit", "other text")
    if (
        code == 0
        and listed
        and path.read_bytes() != (place.folder / "former" / path.relative_to(place.out)).read_bytes()
    ):
        return WRONG, what
    if code == 2 and not clear(said[said.find("wwm: ") + 5 :].strip()):
        return TRACEBACK, f"an unclear message: {what}"
    return (CLEAR if code else ACCEPTED), ""


def _links(place: Place, rng: random.Random) -> tuple[str, str]:
    """Links in the results or in place of them: what they point at is never written."""
    theirs = place.folder / "theirs"
    remove(theirs)
    kind = rng.choice(["out", "report.html", "comparison.csv", "manifest.json", "figures"])
    if kind in ("out", "figures"):
        theirs.mkdir()
        (theirs / "precious.txt").write_text("mine", encoding="utf-8")
    else:
        theirs.write_text("mine", encoding="utf-8")
    target = place.out if kind == "out" else place.out / kind
    remove(target)
    target.symlink_to(theirs)
    command = place.new if rng.random() < 0.5 or kind == "out" else ["report", str(place.out)]
    code = place.run(command)
    mine = theirs / "precious.txt" if theirs.is_dir() else theirs
    if not mine.exists() or mine.read_text(encoding="utf-8", errors="replace") != "mine":
        return LOST, f"{command[0]} wrote through a link in place of {kind}"
    others = (
        [path.name for path in theirs.iterdir() if path.name != "precious.txt"]
        if theirs.is_dir() and kind != "out"
        else []
    )
    if others:
        return LOST, f"{command[0]} wrote through a link in place of {kind}: {others[:3]}"
    return _refused(place, code, keep=False)


def _foreign_folder(place: Place, rng: random.Random) -> tuple[str, str]:
    """A folder of somebody else's as --out: nothing of it is lost."""
    out = place.folder / rng.choice(["site", "*", "[a-z]", ".out", "out.old"])
    remove(out)
    out.mkdir()
    own = {
        "manifest.json": rng.choice(["{}", "[]", '{"files": {}}', '{"name": "app"}']),
        "thesis.txt": "years",
        "comparison.csv": "a,b\n1,2\n",
    }
    for name in rng.sample(list(own), rng.randint(1, 3)):
        (out / name).write_text(own[name], encoding="utf-8")
    held = {path.name: path.read_bytes() for path in out.iterdir()}
    code = place.run(place.line("0.9", out))
    lost = [
        name for name, content in held.items() if not (out / name).is_file() or (out / name).read_bytes() != content
    ]
    try:
        if lost:
            return LOST, f"{lost} of {out.name} lost, exit {code}"
        return _refused(place, code)
    finally:
        remove(out)


WRITES = (
    _files_of_limited_size, _disk_full, _read_only, _two_runs, _damaged_checkpoints, _damaged_results, _damaged_results, _links, _foreign_folder,
)  # fmt: skip


def run(judged: Judged, count: int, seed: int, folder: Path) -> None:
    """Judge `count` kills and writes that fail, as many of each."""
    with drawn_once(folder / "drawn"):
        _judge(judged, count, seed, Place(folder, small=True))


def _judge(judged: Judged, count: int, seed: int, place: Place) -> None:
    for number in range(count - count // 2):
        rng = random.Random(f"{seed}-kill-{number}")
        name = list(SIGNALS)[number % len(SIGNALS)]
        column, what = _killed(place, name, rng)
        judged.add("kills", name, column, f"case {number}: {what}")
        if number % 10 == 9 or column != RIGHT:
            column, what = place.finished()
            judged.add("the run after kills", name, column, f"case {number}: {what}")
            place.restore()
    for number in range(count // 2):
        rng = random.Random(f"{seed}-write-{number}")
        task = WRITES[number % len(WRITES)]
        column, what = task(place, rng)
        judged.add("writes", task.__name__.strip("_").replace("_", " "), column, f"case {number}: {what}")
        place.restore()
