"""Completed surveys from chained ordinal and multinomial models, and Rubin's rules."""
