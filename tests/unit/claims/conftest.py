"""Lets the tests of this folder import their own inventions (pytest's importlib mode does not add the folder)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
