"""What a study declares in TOML: strict reading (unknown keys are errors) and the model files.

The codebook is read in ``survey`` and the article in ``article``, each beside the stage that uses it.
"""
