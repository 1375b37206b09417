"""From survey rows to cells: the formula language, the tabulation, and the design array.

Rows with equal predictors form a pattern; pattern x answer is a cell. The likelihood, its derivatives and every margin
are sums over cells, so cost grows with the number of patterns and not of respondents.
"""
