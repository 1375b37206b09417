"""Charts as Altair specifications: dots (raw, adjusted, printed) and bars (whole distributions).

The page gets each specification once, compiled to Vega, and fills in rows, width and colours; print files are the same
specifications with their rows. Places of rows are numbers of pixels made by `layout`; values keep their scale. Altair and
vl-convert are imported inside the functions that need them.
"""

from wwm_models.report.charts.layout import Row, laid_out
from wwm_models.report.charts.page import library
from wwm_models.report.charts.printed import Drawing, sheets, written

__all__ = ["Drawing", "Row", "laid_out", "library", "sheets", "written"]
