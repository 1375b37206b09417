"""``python -m wwm_models.cli`` is ``wwm``."""

import sys

from wwm_models.cli.main import main

sys.exit(main())
