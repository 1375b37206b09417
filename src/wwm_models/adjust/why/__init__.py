"""Why adjusted and raw differ, and how little would undo it: decomposition, perturbed samples, confounding, the prior's power."""
