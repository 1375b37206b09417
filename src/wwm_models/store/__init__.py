"""Results folders on disk: whole or not at all, with a manifest that can be checked, and finished models kept.

Nothing is pickled: tables are csv, settings are JSON, arrays are npz without objects.
"""

from wwm_models.store.checkpoints import Checkpoints
from wwm_models.store.declared import read_results, stored_results, write_labels
from wwm_models.store.folder import check_place, new_results, reserved
from wwm_models.store.manifest import (
    as_written,
    file_sha256,
    files_in,
    read_manifest,
    unfinished,
    verify_results,
    write_manifest,
)
from wwm_models.store.tables import HARMFUL, read_table, write_table

__all__ = [
    "HARMFUL",
    "Checkpoints",
    "as_written",
    "check_place",
    "file_sha256",
    "files_in",
    "new_results",
    "read_manifest",
    "read_results",
    "read_table",
    "reserved",
    "stored_results",
    "unfinished",
    "verify_results",
    "write_labels",
    "write_manifest",
    "write_table",
]
