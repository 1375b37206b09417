"""The same model on 1,530, 100,000 and 1,000,000 respondents, beside R peers on respondents and on aggregated rows."""
