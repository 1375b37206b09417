"""From a data file and its codebook to a `Survey`: columns, recoding, domain, weights, calibration, the sampling design."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
