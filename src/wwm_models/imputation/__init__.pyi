# What this folder offers; read by wwm_models/public.py.
from wwm_models.imputation.impute import Imputations as Imputations

__all__ = [
    "Imputations",
]
