"""A results folder on disk: atomic, held by one run at a time, with a manifest and the checkpoints of a run."""
