"""Tiny studies on disk, and where the real survey files stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wwm_models.errors import WwmError
from wwm_models.survey.read import read_survey
from wwm_models.survey.survey import Survey

Reading = Callable[[str | bytes, str], Survey]
Refusing = Callable[[str | bytes, str, type[WwmError]], str]

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    """Read a survey from the texts of a data file and a codebook."""

    def reading(data: str | bytes, codebook: str) -> Survey:
        path, book = tmp_path / "data.csv", tmp_path / "codebook.toml"
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        book.write_text(codebook, encoding="utf-8")
        return read_survey(path, codebook=book)

    return reading


@pytest.fixture
def refused(tmp_path: Path, read: Reading) -> Refusing:
    """Give the whole message of a survey that must not be read, without the folder in it."""

    def refusing(data: str | bytes, codebook: str, error: type[WwmError]) -> str:
        with pytest.raises(error) as caught:
            read(data, codebook)
        assert type(caught.value) is error
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refusing


@pytest.fixture(scope="session")
def studies() -> Path:
    """The folder of declared studies."""
    return REPOSITORY / "models"
