"""Respondents counted in the database where their table is: a codebook as expressions, one GROUP BY."""
