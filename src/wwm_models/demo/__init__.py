"""Synthetic respondents with a declared truth; never findings about people."""
