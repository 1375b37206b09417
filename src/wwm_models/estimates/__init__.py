"""Raw and adjusted numbers, whom they are averaged over, and what is made of them: contrasts, changes, decompositions, sensitivity."""
