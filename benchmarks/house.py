"""What the tree is like to live in: files, lines by kind, single importers, repeated names, the way of one number, and fits.

    python -m benchmarks.house [--root CHECKOUT] [--still]

``--root`` measures another checkout, for example of the commit before a change; ``--still`` leaves out the run of a study with three
models, whose files from the csv to comparison.csv and whose calls of the likelihood's `fit` are counted. Nothing here is a test: the
figures stand in ARCHITECTURE.md.
"""

from __future__ import annotations

import argparse
import ast
import collections
import json
import os
import subprocess
import sys
import tempfile
import tokenize
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ("formats", "databases")  # their files are called after what they read
KINDS = ("code", "docstring", "import", "comment", "blank")

# What one likelihood run enters, in one process: a file counts once a function of it is called while the run goes from the csv to comparison.csv.
WALK = """
import json, sys
from pathlib import Path
import wwm_models
from wwm_models import run_study
package = str(Path(wwm_models.__file__).parent)
entered, fits = {}, []
def follow(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(package) and code.co_name != "<module>":
        entered[code.co_filename[len(package) + 1:]] = True
        if code.co_name == "fit" and {"model", "survey", "vcov"} <= set(code.co_varnames):
            fits.append(str(frame.f_locals["model"]))
sys.setprofile(follow)
try:
    run_study("study", data="data.csv", out="results", lang="en")
finally:
    sys.setprofile(None)
print(json.dumps({"entered": len(entered), "fits": len(fits), "models": len(set(fits))}))
"""

STUDY = {
    "codebook.toml": """
[variables]
wish = { column = "wish", kind = "ordered", levels = [{ id = "no" }, { id = "maybe" }, { id = "yes" }] }
before = { column = "before", kind = "ordered", levels = [{ id = "no" }, { id = "maybe" }, { id = "yes" }] }
place = { column = "place", kind = "nominal", levels = [{ id = "no" }, { id = "maybe" }, { id = "yes" }] }
age = { column = "age", kind = "ordered", levels = [{ id = "young" }, { id = "old" }] }
home = { column = "home", kind = "nominal", levels = [{ id = "alone" }, { id = "together" }] }
""",
    "wish.toml": 'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age", "home"]\nestimands = ["total"]\n',
    "before.toml": 'outcome = "before"\nfamily = "cumulative"\nexposures = ["age", "home"]\nestimands = ["total"]\n',
    "place.toml": 'outcome = "place"\nfamily = "multinomial"\nexposures = ["age", "home"]\nestimands = ["total"]\n',
}


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    source = root / "src"
    return {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((source / "wwm_models").rglob("*.py"))
    }


def lines_by_kind(paths: list[Path]) -> dict[str, int]:
    """Lines of code, docstring, import, comment and nothing."""
    counts: collections.Counter[str] = collections.Counter()
    skipped = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        kind = dict.fromkeys(range(1, len(text.splitlines()) + 1), "blank")
        for token in tokenize.generate_tokens(StringIO(text).readline):
            if token.type in skipped:
                continue
            for line in range(token.start[0], token.end[0] + 1):
                if token.type != tokenize.COMMENT or kind[line] == "blank":
                    kind[line] = "comment" if token.type == tokenize.COMMENT else "code"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                kind |= dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), "import")
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                kind |= dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), "docstring")
        counts.update(kind.values())
    return dict(counts)


def importers(found: dict[str, Path]) -> dict[str, set[str]]:
    """By module, the other modules of the package that import it (packages' own lists apart)."""
    by: dict[str, set[str]] = {name: set() for name, path in found.items() if not path.name.startswith("__")}
    for name, path in found.items():
        if path.name == "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            elif isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            for one in names:
                if one in by and one != name:
                    by[one].add(name)
    return by


def repeated(found: dict[str, Path]) -> tuple[list[str], list[str]]:
    """File names and class names that stand more than once."""
    files = [path.name for path in found.values() if not path.name.startswith("__") and path.parent.name not in FORMATS]
    classes = [
        node.name
        for path in found.values()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    return tuple(
        sorted(name for name, times in collections.Counter(names).items() if times > 1) for names in (files, classes)
    )  # type: ignore[return-value]


def walked(root: Path) -> dict[str, int]:
    """Files that one likelihood run of a study with three models enters, and how often it fits a model, and how many different ones."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "study").mkdir()
        for name, text in STUDY.items():
            (here / "study" / name).write_text(text, encoding="utf-8")
        rows = ["wish,before,place,age,home"]
        for person in range(240):
            answers = [("no", "maybe", "yes")[(person * step // 7 + person % 5) % 3] for step in (3, 5, 8)]
            rows.append(",".join([*answers, ("young", "old")[person % 2], ("alone", "together")[person % 3 > 0]]))
        (here / "data.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", WALK], capture_output=True, text=True, check=True, cwd=here,
            env={**os.environ, "PYTHONPATH": str(root / "src"), "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def measured(root: Path, *, still: bool) -> dict[str, str]:
    """Every figure by its name."""
    found = modules(root)
    kinds = lines_by_kind(list(found.values()))
    by = importers(found)
    files, classes = repeated(found)
    figures = {
        "Python files in src": f"{len(found)}",
        "lines": f"{sum(kinds.values()):,}",
        **{f"of these {kind}": f"{kinds.get(kind, 0):,}" for kind in KINDS},
        "modules with one importer": f"{sum(len(names) == 1 for names in by.values())} of {len(by)}",
        "file names used more than once": f"{len(files)}",
        "class names with several meanings": f"{len(classes)}",
    }
    if not still:
        run = walked(root)
        figures["files entered from csv to results, likelihood, three models"] = f"{run['entered']}"
        figures["calls of the likelihood's fit in that run"] = f"{run['fits']} ({run['models']} different models)"
    return figures


def main() -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--still", action="store_true", help="without the run of a study")
    options = parser.parse_args()
    print("| measured | |\n|---|---|")
    for name, figure in measured(options.root.resolve(), still=options.still).items():
        print(f"| {name} | {figure} |")


if __name__ == "__main__":
    main()
