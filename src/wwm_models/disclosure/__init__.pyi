# What this folder offers; read by wwm_models/public.py.
from wwm_models.disclosure.presentation_rules import precision as precision

__all__ = [
    "precision",
]
