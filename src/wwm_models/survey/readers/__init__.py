"""Data files to columns of distinct cells, whatever program wrote them.

``registry`` is the door: it unpacks (``unpacked``), checks the hash, the size (``size``) and that the file is what its name
says (``signature``), and calls the reader of the file's ending. ``text`` reads delimited text as a stream (with
``encoding``), ``statistical`` the files of SPSS, Stata and SAS with their labels, ``sheet`` Excel workbooks, ``columnar``
parquet and DuckDB, ``table`` what a connection string names. No value is read as missing
but an empty cell and what the file itself declares. What the columns mean is said by the codebook, elsewhere.

To add a format: one function of (Unpacked, Source) to columns, one line in ``registry.FORMATS``.
"""

from wwm_models.survey.readers.registry import FORMATS, read_file

__all__ = ["FORMATS", "read_file"]
