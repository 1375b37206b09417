"""Connection strings: ``engine://where#table``, the part before the mark spelled as Ibis spells it.

    duckdb:///data/survey.duckdb#answers        an absolute path has three slashes, a relative one two
    bigquery://project/dataset#answers
    postgres://reader@host/survey#public.answers
    spark://local#/data/answers.parquet         Spark on this machine; a parquet file or folder is read by the engine itself
    spark://host:7077#survey.answers            Spark on a cluster; pyspark://?key=value#table is Ibis' own form

A password never appears in a message, a page or a manifest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from wwm_models.errors import SurveyError

_FORM: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRET: Final = re.compile(r"(?<=://)([^/@#?]*):[^/@#]*@")
_SECRET_OPTION: Final = re.compile(r"(?<=[?&])([^=&#]*(?:pass|token|secret|key|auth)[^=&#]*)=[^&#]*", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A connection string in its parts.

    Attributes
    ----------
    engine : str
        What stands before ``://``, in lower case.
    url : str
        All before the table.
    table : str
        Empty where none is named.
    shown : str
        The whole, without passwords.
    """

    engine: str
    url: str
    table: str
    shown: str

    @property
    def host(self) -> str:
        """What stands between ``://`` and the next slash, mark or question mark."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """Host and path together: what an engine of files takes for a path."""
        parts = urlsplit(self.url)
        return parts.netloc + parts.path

    @property
    def options(self) -> dict[str, str]:
        """What stands behind the question mark."""
        return dict(parse_qsl(urlsplit(self.url).query))


def is_address(data: str | Path) -> bool:
    """Say whether `data` is a connection string rather than a path.

    Examples
    --------
    >>> is_address("duckdb:///data/survey.duckdb#answers"), is_address("survey.sav")
    (True, False)
    """
    return isinstance(data, str) and bool(_FORM.match(data))


def read_address(text: str) -> Address:
    """Take a connection string apart.

    Parameters
    ----------
    text : str
        One that `is_address`.

    Raises
    ------
    SurveyError
        If what stands before the table is not a URL.

    Examples
    --------
    >>> address = read_address("postgres://reader:secret@host/survey#public.answers")
    >>> address.engine, address.table, address.shown
    ('postgres', 'public.answers', 'postgres://reader:***@host/survey#public.answers')
    """
    url, _, table = text.partition("#")
    try:
        engine = urlsplit(url).scheme
    except ValueError as problem:
        raise SurveyError(
            f"{without_secrets(text)}: this is not a connection string: {problem}. Expected engine://where#table, such as "
            "duckdb:///data/survey.duckdb#answers. Repair the part before the #."
        ) from None
    return Address(engine, url, table, without_secrets(text))


def without_secrets(text: str) -> str:
    """Give a text that quotes a connection string without its password.

    Examples
    --------
    >>> without_secrets("snowflake://me:pw@account/db?warehouse=w&token=abc#answers")
    'snowflake://me:***@account/db?warehouse=w&token=***#answers'
    """
    return _SECRET_OPTION.sub(r"\1=***", _SECRET.sub(r"\1:***@", text))


def data_name(data: str | Path) -> str:
    """Name data for a reader: the name of the file, or the connection string without its password."""
    return without_secrets(str(data)) if is_address(data) else Path(data).name
