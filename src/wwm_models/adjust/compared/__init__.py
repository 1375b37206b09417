"""What is made of estimates: differences and ratios, scores and superiority, change, equivalence, and tests adjusted by family.

Everything here starts from `Estimates` and their joint ``law``; nothing here fits or averages.
"""
