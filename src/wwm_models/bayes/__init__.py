"""Posteriors of one outcome and of several together: priors, density, chains, correction for the design, leave-one-out, export."""
