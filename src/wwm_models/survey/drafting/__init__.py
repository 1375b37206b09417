"""From what a file says of itself to a codebook that a person finishes: draft, then lock.

``ddi`` reads a DDI-Codebook description, ``proposal`` decides what each column seems to be, ``draft`` writes the commented
TOML, ``lock`` puts the file's SHA-256 into a codebook without touching anything else. Nothing is decided silently: what
the file does not say is a comment marked CHECK, and the survey is read by the codebook alone.
"""

from wwm_models.survey.drafting.ddi import Description, described_by, read_ddi
from wwm_models.survey.drafting.draft import draft_codebook, source_of
from wwm_models.survey.drafting.lock import locked

__all__ = ["Description", "described_by", "draft_codebook", "locked", "read_ddi", "source_of"]
