"""Results as something to read: a page, drawings and tables.

Here is how numbers look; not what they are. A function takes `Results` and gives text or files. Sentences of the page
stand in texts.toml, in both languages; labels of a study come from its codebook and are escaped by the templates.
"""

from wwm_models.report.charts import library
from wwm_models.report.files import left_out, rewrite_report, write_report
from wwm_models.report.page import render_page

__all__ = ["left_out", "library", "render_page", "rewrite_report", "write_report"]
