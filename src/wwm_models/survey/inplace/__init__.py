"""Respondents counted where their table lies: the codebook compiled to Ibis expressions, and one GROUP BY.

``contents`` says what a column of the table holds, as a cell of a file would; ``conditions`` and ``compiled`` are the recoding of
``survey.recode`` once more, as expressions of the engine; ``looked`` refuses what the file reader would refuse, in its words;
``counted`` groups, and makes of the groups a `Survey` whose rows stand for several respondents (`records.Tally`). A law holds
both paths equal on every declared study. What a table is and how it is asked is said in ``survey.places``.
"""

from wwm_models.survey.inplace.counted import counts_of, header_of, read_counts

__all__ = ["counts_of", "header_of", "read_counts"]
