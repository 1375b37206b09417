"""All items of a survey at once: ordered answers, slopes pooled over items, an effect per person that the items share.

`item_rows` reads respondents, `sample_joint` draws. Adjusted probabilities of a joint posterior are made in ``adjust``.
"""
