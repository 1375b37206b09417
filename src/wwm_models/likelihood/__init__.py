"""Maximum likelihood by cells: the fit, what it refuses, its covariance from influence functions, replicates, degrees of freedom."""
