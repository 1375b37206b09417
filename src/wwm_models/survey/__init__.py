"""From a data file and a codebook to a `Survey`: readers, the codebook, recoding, weights, domain and first look.

Nothing is dropped or guessed here: a cell the codebook does not know is an error, a row that is left out is counted
with its reason. The pieces in the order of the line: ``declarations`` (the TOML file, with ``fields``, ``variables`` and
``rules``) to ``codebook`` records; ``readers`` (a folder, one function per format) and ``places`` (databases) to ``raw`` columns; ``recode`` (with
``answers`` and ``numbers``); ``weighting``; ``domain``; ``assemble``. ``overview`` describes the result. Of the folders, ``drafting`` proposes codebooks,
``calibration`` rakes and trims weights, and ``twin`` makes synthetic respondents. Fitting, tables for publication and anything about models are elsewhere.
"""

from wwm_models.survey.assemble import read_survey, survey_of
from wwm_models.survey.calibration import calibrate, poststratify, rake, read_weighting_margins, trim
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.declarations import read_codebook
from wwm_models.survey.inplace import counts_of, header_of, read_counts
from wwm_models.survey.overview import Overview, overview
from wwm_models.survey.places import countable, data_name, several_files
from wwm_models.survey.readers import read_file

__all__ = [
    "Codebook",
    "Overview",
    "calibrate",
    "countable",
    "counts_of",
    "data_name",
    "header_of",
    "overview",
    "poststratify",
    "rake",
    "read_codebook",
    "read_counts",
    "read_file",
    "read_survey",
    "read_weighting_margins",
    "several_files",
    "survey_of",
    "trim",
]
