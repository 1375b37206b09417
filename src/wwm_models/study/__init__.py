"""A study from its folder and a data file to a results folder: the line, one model at a time, and what is written."""

from wwm_models.study.line import Run, run_study

__all__ = ["Run", "run_study"]
