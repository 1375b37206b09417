"""Links, Newton's method, intervals, small linear algebra: arrays in, arrays out.

Nothing here knows what a survey, a family or a model is.
"""
