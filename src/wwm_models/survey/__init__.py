"""From a data file and its codebook to a `Survey`: columns, recoding, domain, weights, calibration, the sampling design."""
