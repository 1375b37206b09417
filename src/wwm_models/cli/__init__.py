"""The command line: parse, call one function, write. Numbers to stdout, talk to stderr.

Exit codes: 0 done; 1 done, but something is not usable; 2 wrong use or input that no model can use.
"""

from wwm_models.cli.main import main, script

__all__ = ["main", "script"]
