"""A small reader of percentages and judge of claims for the tests: the raw file and article.toml, nothing of the package.

Written apart from ``wwm_models.survey`` and ``wwm_models.claims`` on purpose: it takes codes and levels from codebook.toml
with its own few lines, so that a mistake in either side shows.
"""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

STUDY = Path(__file__).parents[3] / "models" / "wwm21"
CODEBOOK = tomllib.loads((STUDY / "codebook.toml").read_text(encoding="utf-8"))
ARTICLE = tomllib.loads((STUDY / "article.toml").read_text(encoding="utf-8"))
VARIABLES = {
    name: {**CODEBOOK["answers"].get(part.get("answers"), {}), **part} for name, part in CODEBOOK["variables"].items()
}
COLLAPSES = {
    (variable, part.get("id", name)): part["levels"]
    for name, part in CODEBOOK["collapses"].items()
    for variable in part.get("variables", [part.get("variable")])
}
TESTABLE = [claim for claim in ARTICLE["claim"] if "missing" not in claim]
COUNTS = [claim for claim in TESTABLE if "count" in (claim["kind"], *(part["kind"] for part in claim.get("parts", [])))]
OF_PERCENTAGES = [claim for claim in TESTABLE if claim not in COUNTS]
# What the article says twice, differently: the respondents cannot have both. "Somewhat less" against "clearly less" of one number, and
# the number of respondents under figure 1 with those of 65-70 and without them. And what the declared truth does not have: age and household
# cross in the wish (a number is printed of it), not in how often people worked from home before.
OTHER_READINGS = {"C08", "C34", "C78"}
PRINTED = [number for number in ARTICLE["published"] if "value" in number]


def domain(raw):
    """Rows of workers who can work from home, as level ids; None where missing."""
    inside = raw[(raw["betaald_werk"] == 1) & (raw["kan_thuiswerken"] == 1)]
    frame = pd.DataFrame({"weight": inside["weegfactor"].to_numpy()})
    for name, declared in VARIABLES.items():
        if "column" in declared and "cut" not in declared and declared["kind"] != "number":
            ids = {code: level["id"] for level in declared["levels"] for code in level["codes"]}
            frame[name] = [ids.get(code) for code in inside[declared["column"]]]
    for name, declared in VARIABLES.items():
        if "from" in declared:
            ids = {merged: level["id"] for level in declared["levels"] for merged in level["merges"]}
            frame[name] = [ids.get(answer) for answer in frame[declared["from"]]]
    frame["age_group"] = [_age_group(age) for age in inside["leeftijd"]]
    children = inside["kinderen_thuis"].to_numpy()
    frame["household"] = [_household(*pair) for pair in zip(frame["partner"], children, strict=True)]
    return frame


def _age_group(age):
    return "18-34" if age < 35 else "35-49" if age < 50 else "50-64" if age < 65 else None


def _household(partner, children):
    names = {
        ("no", False): "single",
        ("no", True): "single_parent",
        ("yes", False): "couple_no_children",
        ("yes", True): "couple_children",
    }
    return None if children == 99 else names.get((partner, bool(children > 0)))


def levels(outcome, category):
    return COLLAPSES.get((outcome, category), [category])


def from_frame(frame):
    """Percentage of a reference among weighted respondents."""

    def percent(ref):
        known = frame[ref["outcome"]].notna() & _inside(frame, ref.get("group", {}))
        hits = frame.loc[known, ref["outcome"]].isin(levels(ref["outcome"], ref["category"]))
        return 100 * np.average(hits, weights=frame.loc[known, "weight"])

    return percent


def size(frame, group):
    return int(_inside(frame, group).sum())


def _inside(frame, group):
    inside = np.ones(len(frame), dtype=bool)
    for factor, level in group.items():
        inside &= frame[factor].isin(level if isinstance(level, list) else [level])
    return inside


def counted(frame, claim):
    """Printed and found numbers of respondents of a claim, part by part."""
    return [
        (part["n"], sum(int(frame.loc[_inside(frame, ref["group"]), ref["outcome"]].notna().sum()) for ref in part["between"]))
        for part in claim.get("parts", [claim])
    ]  # fmt: skip


def slack(claim, percent):
    """How far the claim is from its border, in percentage points (ratios: in the ratio); negative is false."""
    return _SLACK[claim["kind"]](claim, percent)


def _within(value, lower, upper):
    return min(value - lower, upper - value)


def _bound(claim, percent):
    value = percent(claim["at"])
    return min(value - claim.get("above", -np.inf), claim.get("below", np.inf) - value)


def _equivalence(claim, percent):
    values = [percent(ref) for ref in claim["between"]]
    return claim["margin"] - (max(values) - min(values))


def _half(claim: dict) -> float:
    """Half a point where the ends of a range are printed as whole numbers; those of our own readings are exact."""
    return 0.5 if claim.get("rounding") == "integer" else 0.0


_SLACK = {
    "value": lambda c, p: _within(p(c["at"]), c["value"] - 0.5, c["value"] + 0.5),
    "range": lambda c, p: _within(p(c["at"]), c["lower"] - _half(c), c["upper"] + _half(c)),
    "bound": _bound,
    "about": lambda c, p: c["tolerance"] - abs(p(c["at"]) - c["value"]),
    "about_ratio": lambda c, p: c["tolerance"] - abs(p(c["numerator"]) / p(c["denominator"]) - c["value"]),
    "order": lambda c, p: _within(p(c["greater"]) - p(c["lesser"]), c.get("margin", 0), c.get("below", np.inf)),
    "difference_of_differences": lambda c, p: _within(
        p(c["greater"][0]) - p(c["greater"][1]) - p(c["lesser"][0]) + p(c["lesser"][1]),
        c.get("margin", 0),
        c.get("below", np.inf),
    ),
    "ratio": lambda c, p: _within(p(c["numerator"]) / p(c["denominator"]), c["lower"], c["upper"]),
    "equivalence": _equivalence,
    "all": lambda c, p: min(slack(part, p) for part in c["parts"]),
}
