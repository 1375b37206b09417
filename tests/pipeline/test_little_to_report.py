"""A run with nothing to compare still ends with its tables, and no printed number vanishes without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table


def separated(small: Path) -> None:
    table = pd.read_csv(small / "data.csv")
    table["wish"] = np.where(table["age"] >= 50, 3, np.minimum(table["wish"], 2))
    table.to_csv(small / "data.csv", index=False)
    (small / "study" / "wish.toml").write_text(
        'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age_group"]\n', encoding="utf-8"
    )


def without_contrasts(small: Path) -> None:
    path = small / "study" / "wish.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'contrasts = "none"\nfamily_of_tests = "f"\n', encoding="utf-8")


def without_exposures(small: Path) -> None:
    (small / "study" / "wish.toml").write_text(
        'outcome = "wish"\nfamily = "cumulative"\nadjusters = ["household"]\n', encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("change", "code"), [(separated, 1), (without_contrasts, 0), (without_exposures, 0)], ids=lambda one: str(one)[:20]
)
def test_a_study_of_one_model_without_a_contrast_is_finished(change, code, small: Path):
    (small / "study" / "wish_nominal.toml").unlink()
    change(small)
    out = small / "out"
    assert main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(out)]) == code
    assert len(read_table(out / "contrasts.csv")) == 0
    assert len(read_table(out / "raw.csv")) > 0
    assert (out / "report.html").is_file()


@pytest.mark.parametrize("exposures", ['["age_group"]', '["age_group", "household"]'])
def test_a_total_is_without_the_other_exposure_only_where_there_is_one(exposures, small: Path):
    (small / "study" / "wish_nominal.toml").unlink()
    (small / "study" / "wish.toml").write_text(
        f'outcome = "wish"\nfamily = "cumulative"\nexposures = {exposures}\nestimands = ["total"]\n', encoding="utf-8"
    )
    out, other = small / "out", "household" in exposures
    assert (
        main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(out), "--lang", "en"]) == 0
    )
    drawn = [path.read_text(encoding="utf-8") for path in (out / "figures").glob("*.svg")]
    assert drawn
    for told in (*drawn, (out / "report.html").read_text(encoding="utf-8")):
        assert ("without the other exposure" in told) == other


def test_a_printed_number_without_a_model_stands_beside_raw(small: Path, capsys: pytest.CaptureFixture[str]):
    study = small / "study"
    (study / "wish_nominal.toml").unlink()
    (study / "wish.toml").write_text(
        'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age_group"]\n', encoding="utf-8"
    )
    book = '[variables.any]\ncolumn = "wish"\nkind = "ordered"\nlevels = [{ id = "no", codes = [1] }, { id = "yes", codes = [2, 3] }]\n'
    rows = (
        '[[published]]\nid = "P2"\noutcome = "any"\ncategory = "yes"\nvalue = 70\n'
        '[[published]]\nid = "P3"\noutcome = "wish"\ncategory = "often"\ngroup = { household = "alone" }\nvalue = 30\n'
    )
    for name, text in (("codebook.toml", book), ("article.toml", rows)):
        path = study / name
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    assert main(["run", str(study), "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 0
    said = capsys.readouterr().out
    assert (
        "printed numbers: 3, of which 1 are beside adjusted ones; no model of any: P2; "
        "no model of wish that could be fitted reports it by household: P3"
    ) in said
    table = read_table(small / "out" / "comparison.csv")
    printed = table[table["published"].notna() & (table["estimand"] == "not adjusted")].set_index("outcome")
    data = pd.read_csv(small / "data.csv")
    alone = data[data["home"] == 1]
    np.testing.assert_allclose(printed.loc["any", "raw"], data["w"][data["wish"] > 1].sum() / data["w"].sum())
    np.testing.assert_allclose(printed.loc["wish", "raw"], alone["w"][alone["wish"] == 3].sum() / alone["w"].sum())
    assert printed["adjusted_likelihood"].isna().all()
