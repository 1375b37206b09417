"""``python core.py ARGUMENTS``: pytest, on the installed package only; ends with 1 where any module came from a source tree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def main() -> int:
    """What pytest ends with, or 1."""
    code = pytest.main(sys.argv[1:])
    here = Path(sys.prefix).resolve()
    loaded = [
        str(module.__file__)
        for name, module in sys.modules.items()
        if name.split(".")[0] == "wwm_models" and getattr(module, "__file__", None)
    ]
    elsewhere = [place for place in loaded if not Path(place).resolve().is_relative_to(here)]
    if not loaded or elsewhere:
        print(f"The tests used {elsewhere[:1] or 'no wwm_models'}. Expected the package installed in {here}.")
        return 1
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
