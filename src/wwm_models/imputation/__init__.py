"""Multiple imputation: completed surveys from chained ordinal and multinomial models, and pooling of what is made of them.

``plan`` says what is completed from what, ``draw`` fits one variable and draws its missing answers, ``chained`` runs the
rounds, ``pool`` joins estimates by Rubin's rules on the logit scale. Fitting the model of interest and turning it into
probabilities is done elsewhere, once per completed survey.
"""

from wwm_models.imputation.chained import impute
from wwm_models.imputation.pool import pool, pool_parameters

__all__ = ["impute", "pool", "pool_parameters"]
