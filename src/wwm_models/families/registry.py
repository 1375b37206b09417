"""Every family by name; to add one, write its file and one line here."""

from __future__ import annotations

from types import MappingProxyType

from wwm_models.families.cumulative import CUMULATIVE
from wwm_models.families.logit_linear import ADJACENT, MULTINOMIAL
from wwm_models.families.sequential import CONTINUATION, STOPPING

FAMILIES = MappingProxyType(
    {family.name: family for family in (CUMULATIVE, ADJACENT, STOPPING, CONTINUATION, MULTINOMIAL)}
)
