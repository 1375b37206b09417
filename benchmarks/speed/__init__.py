"""Seconds of one fit on 1,530 respondents beside its peers in the same run."""
