"""The command line: parsing, the exit code, and what may leave for a terminal.

Text is written so that nothing in it commands the terminal, in characters that it has (`escaped`, `escaping`). `main` parses and turns errors
into an exit code; each command imports what it needs when it runs. `csv_file` says where a command may write.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import sys
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from wwm_models.errors import ResultsError, WwmError, of_system, readable
from wwm_models.messages import LANGUAGES
from wwm_models.stages import kind_of

# control characters but line end and tab, marks that turn the direction of writing, line separators and halves of a character
_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Write what commands a terminal as Python and TOML write it.

    Examples
    --------
    >>> print(escaped("a\x1b[31m\u202eb"))
    a\u001b[31m\u202eb
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Escaped:
    """A text stream that escapes what is written to it; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text, escaped, with a backslash form for what the stream's encoding does not have."""
        plain = escaped(text)
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(plain.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a stream can do."""
        return getattr(self.stream, name)


@contextlib.contextmanager
def escaping() -> Generator[None]:
    """Have everything that is printed go through `escaped`."""
    out, talk = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Escaped(out), Escaped(talk)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, talk


def terminal() -> TextIO:
    """The stream for talk as it is, for what draws on a terminal and escapes its texts itself."""
    return getattr(sys.stderr, "stream", sys.stderr)


DONE, NOT_USABLE, WRONG_USE, OWN_FAULT, INTERRUPTED = 0, 1, 2, 70, 130  # 70: EX_SOFTWARE of sysexits.h


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process unless given.

    Returns
    -------
    int
        0, 1 or 2; 70 after a fault of this program; 130 after an interrupt from the keyboard.
    """
    with escaping():
        try:
            options = _parser().parse_args(arguments)
            # matrices are small here: threads would only wait for each other, and the second core has a process of its own
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            home = importlib.import_module("wwm_models.cli.commands")
            code = int(getattr(home, options.command.replace("-", "_"))(options))
            sys.stdout.flush()
        except WwmError as problem:
            return _said(str(problem))
        except KeyboardInterrupt:
            return _said("interrupted. Finished models are kept; the same command goes on from there.", INTERRUPTED)
        except BrokenPipeError:
            return DONE
        except MemoryError:
            return _said(
                "there is not enough memory. Expected room for the respondents and their results. Close other programs, or count in "
                "place (--in-place). Earlier results are untouched."
            )
        except OSError as problem:
            return _said(of_system(problem))
        except Exception as problem:  # the last resort: nobody reads a traceback, and it may hold what respondents said
            return _said(_of_program(problem, arguments), OWN_FAULT)
    return code


def script() -> NoReturn:
    """`main` as a process of its own: libraries warn nobody, and no exit waits for helper processes or an output that is gone."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of the helper processes
    try:
        code = main()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else WRONG_USE
    gone = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            gone = True
    if gone or code not in (DONE, NOT_USABLE):
        os._exit(code)
    sys.exit(code)


def _said(message: str, code: int = WRONG_USE) -> int:
    with contextlib.suppress(OSError):
        print(f"wwm: {readable(message)}", file=sys.stderr, flush=True)
    return code


def _of_program(problem: Exception, arguments: Sequence[str] | None) -> str:
    """What was being done, that it is not the user's fault, and where the steps lie that led to it."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    command = given[0] if given and not given[0].startswith("-") else "the command"
    return (
        f"{command} ended by {kind_of(problem)}. Expected no such error: it is a fault of this program, not of what it was given. Report it to the "
        f"makers{_steps(problem)}. Earlier results are untouched, finished models are kept."
    )


def _steps(problem: Exception) -> str:
    """Write the lines that an exception passed to a file: names of files and functions, nothing that respondents said; empty if none can be."""
    import tempfile
    import traceback

    lines = [
        f"{Path(at.filename).name}, line {at.lineno}, {at.name}" for at in traceback.extract_tb(problem.__traceback__)
    ]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="wwm-fault-", suffix=".txt", delete=False, encoding="utf-8"
        ) as stream:
            stream.write("\n".join([type(problem).__name__, *lines, ""]))
    except OSError:
        return ""
    return f" with {stream.name}, which holds the steps that led to it and nothing of the data"


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"wwm {version('wwm-models')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wwm",
        description="Adjusted probabilities beside the raw and the printed percentages of a survey article.",
        epilog="Exit codes: 0 done; 1 done, but something is not usable; 2 wrong use or unusable input; 70 a fault of this program.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version of this package, and end")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="synthetic respondents through the whole line; prints where the report is")
    demo.add_argument("--quick", action="store_true", help="without the joint model of all effects")
    _run_options(demo, "results/wwm21-synthetic", engine="likelihood,bayes")
    run = commands.add_parser("run", help="a survey file through a study")
    _study_and_data(run)
    _in_place(run, "instead of reading the table (done in any case where it does not fit in memory)")
    _run_options(run, None, engine="likelihood")
    run.add_argument("--scheduler", default="", metavar="ADDRESS", help="a Dask scheduler whose workers share the fits")
    check = commands.add_parser("check", help="read and check everything, fit nothing")
    _study_and_data(check)
    _in_place(check, "by the variables that the models ask for, instead of reading the table")
    _codebook_steps(commands.add_parser("codebook", help="draft a codebook of a file, or lock one to it"))
    simulate = commands.add_parser("simulate", help="write synthetic respondents")
    simulate.add_argument("--n", type=_positive, default=1530, help="workers who can work from home (1530)")
    simulate.add_argument("--random", action="store_true", help="independent draws instead of a quota draw")
    simulate.add_argument("--seed", type=int, default=1)
    simulate.add_argument("--out", required=True, metavar="FILE", help="csv file, or - for stdout")
    bounds = commands.add_parser("bounds", help="what the printed numbers alone allow, without microdata")
    bounds.add_argument("study", metavar="STUDY", help="study folder, or the name of one that ships with the package")
    bounds.add_argument("--margins", metavar="FILE", help="age by household, or any two exposures (STUDY/margins.toml)")
    bounds.add_argument(
        "--words", nargs="?", const="", metavar="C03,C05", help="assume the article's sentences too (all)"
    )
    bounds.add_argument("--without", metavar="C34", help="but these (`without` of margins.toml)")
    bounds.add_argument("--out", metavar="FILE", help="also write every row as csv")
    bounds.add_argument("--lang", choices=LANGUAGES, default="nl", help="of all that is printed (nl, Dutch)")
    report = commands.add_parser("report", help="write page, figures and tables of a run again from its csv files")
    report.add_argument("run", metavar="RUN", help="a results folder")
    report.add_argument(
        "--lang", choices=LANGUAGES, help="of figures and tables, and the one the page opens in (the run's)"
    )
    claims = commands.add_parser("claims", help="the verdict on every claim, and what it rests on")
    claims.add_argument("run", metavar="RUN", help="a results folder")
    claims.add_argument("--lang", choices=LANGUAGES, default="en", help="of all that is printed (en)")
    show = commands.add_parser("show", help="raw beside adjusted")
    show.add_argument("run", metavar="RUN", help="a results folder")
    verify = commands.add_parser("verify", help="compare a run with its manifest")
    verify.add_argument("run", metavar="RUN", help="a results folder")
    verify.add_argument("--against", metavar="RUN2", help="another run: what do the two give away together")
    return parser


def _codebook_steps(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    draft = steps.add_parser("draft", help="a commented codebook.toml from labels and metadata")
    draft.add_argument("file", metavar="FILE", help="survey file")
    draft.add_argument("--ddi", metavar="FILE", help="DDI-Codebook description (.xml) of the file")
    draft.add_argument("--table", default="", metavar="NAME", help="sheet or table, where there are several")
    draft.add_argument("--out", default="-", metavar="FILE", help="a new file, or - for stdout (-)")
    _study_and_data(steps.add_parser("lock", help="make a codebook accept this file only, by its SHA-256"))


def _study_and_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="study folder, or the name of one that ships with the package")
    parser.add_argument(
        "--data",
        required=True,
        metavar="FILE",
        help="survey file (.csv, .sav, .dta, .xlsx, .parquet, ...) or engine://where#table",
    )
    parser.add_argument("--codebook", metavar="FILE", help="instead of the study's own")


def _in_place(parser: argparse.ArgumentParser, how: str) -> None:
    parser.add_argument("--in-place", action="store_true", help=f"count respondents where their table lies, {how}")


def _run_options(parser: argparse.ArgumentParser, out: str | None, *, engine: str) -> None:
    parser.add_argument("--engine", default=engine, help=f"engines, separated by commas ({engine})")
    parser.add_argument("--out", metavar="DIR", default=out, help=f"results folder ({out or 'results/STUDY'})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--level", type=float, default=0.95, help="of all intervals (0.95)")
    parser.add_argument("--lang", choices=LANGUAGES, default="nl", help="of the page and the claims (nl, Dutch)")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of respondents; expected 1 or more")
    return value


def csv_file(name: str) -> Path:
    """A path that a file can be written to.

    Raises
    ------
    ResultsError
    """
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ResultsError(
            f"{path} cannot be written: it is a folder, or its folder does not exist. Give the path of a csv file."
        )
    return path
