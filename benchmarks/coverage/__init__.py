"""Coverage of 95% intervals and size of the tests of the assumptions, by simulation from models that are true.

population: who is drawn and what is true of them; samples: three ways to draw respondents; estimator: fits, covariances and
adjusted probabilities of many samples at once, on counts, and proof that they are those of ``wwm.fit`` and ``wwm.adjusted``;
conditions: what is simulated and its resumable run; sizes: rejection rates of tests; report: tables and verdicts.
"""
