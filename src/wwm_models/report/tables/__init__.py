"""Tables as records, and the same records as markup of the page, HTML, LaTeX, Markdown and Word.

great-tables lays them out for the page, HTML and LaTeX; python-docx (extra `word`) writes Word. Both are imported where used.
"""

from wwm_models.report.tables.files import write_tables
from wwm_models.report.tables.great import Rendered, on_page, rendered
from wwm_models.report.tables.made import figure_table, ledger_table
from wwm_models.report.tables.record import Column, Interval, Line, Table
from wwm_models.report.tables.text import can_write_word

__all__ = [
    "Column",
    "Interval",
    "Line",
    "Rendered",
    "Table",
    "can_write_word",
    "figure_table",
    "ledger_table",
    "on_page",
    "rendered",
    "write_tables",
]
