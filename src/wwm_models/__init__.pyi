# The public names; read by wwm_models/public.py. A new one is a line here, or in the folder that it belongs to, and a name in `__all__`.
from wwm_models import bayes as bayes
from wwm_models import diagnostics as diagnostics
from wwm_models import disclosure as disclosure
from wwm_models import estimates as estimates
from wwm_models import identification as identification
from wwm_models import imputation as imputation
from wwm_models import survey as survey
from wwm_models.bayes.joint_sample import sample_joint as sample_joint
from wwm_models.bayes.leave_one_out import loo as loo
from wwm_models.bayes.posterior import Posterior as Posterior
from wwm_models.bayes.sample import sample as sample
from wwm_models.claims.article import read_article as read_article
from wwm_models.claims.comparison import Comparison as Comparison
from wwm_models.claims.comparison import compare as compare
from wwm_models.claims.fragility import fragility as fragility
from wwm_models.estimates.adjusted import adjusted as adjusted
from wwm_models.estimates.change import change as change
from wwm_models.estimates.change import equivalence as equivalence
from wwm_models.estimates.contrasts import contrasts as contrasts
from wwm_models.estimates.decomposition import decompose as decompose
from wwm_models.estimates.estimates import Estimand as Estimand
from wwm_models.estimates.estimates import Estimates as Estimates
from wwm_models.estimates.quantities import mean_score as mean_score
from wwm_models.estimates.quantities import predict as predict
from wwm_models.estimates.quantities import slopes as slopes
from wwm_models.estimates.quantities import superiority as superiority
from wwm_models.estimates.raw import mean as mean
from wwm_models.estimates.raw import raw as raw
from wwm_models.estimates.raw import total as total
from wwm_models.identification.bounds import bounds as bounds
from wwm_models.identification.joint_table import read_margins as read_margins
from wwm_models.imputation.impute import impute as impute
from wwm_models.imputation.pool import pool as pool
from wwm_models.likelihood.fit import Fit as Fit
from wwm_models.likelihood.fit import fit as fit
from wwm_models.models.model import Model as Model
from wwm_models.parallel import run_many as run_many
from wwm_models.study.run import Run as Run
from wwm_models.study.run import run_study as run_study
from wwm_models.survey.databases.counts import read_counts as read_counts
from wwm_models.survey.read import read_survey as read_survey
from wwm_models.survey.survey import Survey as Survey

# Names from before the folders offered them.
from wwm_models.bayes import JointPosterior as JointPosterior
from wwm_models.bayes import JointPriors as JointPriors
from wwm_models.bayes import Loo as Loo
from wwm_models.bayes import loo_items as loo_items
from wwm_models.bayes import stacking as stacking
from wwm_models.diagnostics import brant as brant
from wwm_models.diagnostics import hosmer_lemeshow as hosmer_lemeshow
from wwm_models.diagnostics import likelihood_ratio as likelihood_ratio
from wwm_models.diagnostics import lipsitz as lipsitz
from wwm_models.diagnostics import nominal_test as nominal_test
from wwm_models.diagnostics import pearson as pearson
from wwm_models.diagnostics import po_size as po_size
from wwm_models.diagnostics import posterior_predictive as posterior_predictive
from wwm_models.diagnostics import posterior_predictive_items as posterior_predictive_items
from wwm_models.diagnostics import power_scaling as power_scaling
from wwm_models.diagnostics import pulkstenis_robinson as pulkstenis_robinson
from wwm_models.diagnostics import randomised_pit as randomised_pit
from wwm_models.diagnostics import scale_test as scale_test
from wwm_models.diagnostics import surrogate_residuals as surrogate_residuals
from wwm_models.diagnostics import wald_test as wald_test
from wwm_models.diagnostics import weights_matter as weights_matter
from wwm_models.disclosure import precision as precision
from wwm_models.estimates import adjusted_items as adjusted_items
from wwm_models.estimates import answer_ratio as answer_ratio
from wwm_models.estimates import change_between as change_between
from wwm_models.estimates import e_value as e_value
from wwm_models.estimates import e_values as e_values
from wwm_models.estimates import family_of_tests as family_of_tests
from wwm_models.estimates import prior_predictive as prior_predictive
from wwm_models.identification import Margins as Margins
from wwm_models.imputation import Imputations as Imputations
from wwm_models.survey import calibrate as calibrate
from wwm_models.survey import poststratify as poststratify
from wwm_models.survey import rake as rake
from wwm_models.survey import read_weighting_margins as read_weighting_margins
from wwm_models.survey import replicates as replicates
from wwm_models.survey import trim as trim

__all__ = [
    "Comparison",
    "Estimand",
    "Estimates",
    "Fit",
    "Model",
    "Posterior",
    "Run",
    "Survey",
    "adjusted",
    "bounds",
    "change",
    "compare",
    "contrasts",
    "decompose",
    "equivalence",
    "fit",
    "fragility",
    "impute",
    "loo",
    "mean",
    "mean_score",
    "pool",
    "predict",
    "raw",
    "read_article",
    "read_counts",
    "read_margins",
    "read_survey",
    "run_many",
    "run_study",
    "sample",
    "sample_joint",
    "slopes",
    "superiority",
    "total",
]
