"""Seconds from a cold process to four thousand draws, beside PyMC, nutpie, bambi and brms in the same run."""
