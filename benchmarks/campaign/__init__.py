"""A standing search for faults nobody has thought of: broken inputs, pairs that must agree, runs that are killed, hostile labels.

Nothing here knows how the package works inside. Every case is judged from outside, by a truth that was computed independently where there is one,
and counted in a column; three columns must be zero: a traceback, an answer that is silently wrong, and something lost or hung.
"""
