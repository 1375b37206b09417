"""``python -m wwm_models.cli`` is ``wwm``."""

from __future__ import annotations

from wwm_models.cli.main import script

if __name__ == "__main__":
    script()
