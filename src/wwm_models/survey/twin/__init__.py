"""Synthetic respondents of the Waarde van Werk Monitor 2021 with a declared truth: invented, and marked so in every row.

``declared`` holds the constants (found by ``calibrate``) of a ``truth``: who there is (``population``, ``outside``) and how they
answer. ``respondents`` draws from it, independently (``draw``) or by ``quota`` (with ``moves``) so that the printed numbers come
out, in the file ``layout`` that models/wwm21 reads. ``adjusted`` gives the true adjusted percentages by exact summation.
"""

from wwm_models.survey.twin.adjusted import true_adjusted
from wwm_models.survey.twin.declared import DECLARED
from wwm_models.survey.twin.respondents import quota_respondents, random_answers, random_respondents
from wwm_models.survey.twin.truth import Truth

__all__ = ["DECLARED", "Truth", "quota_respondents", "random_answers", "random_respondents", "true_adjusted"]
