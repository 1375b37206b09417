"""Probabilities averaged over a population, at one set of parameters or at many, with their joint law.

``target`` and ``population`` say over whom, ``standardise`` averages with derivatives, ``many`` at draws and replicates, and ``joint``
gives what is linear in the averages its covariance, whatever the fit's uncertainty comes from.
"""
