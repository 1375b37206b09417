# What this folder offers; read by wwm_models/public.py.
from wwm_models.identification.joint_table import Margins as Margins

__all__ = [
    "Margins",
]
