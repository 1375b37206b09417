"""Results folders on disk: whole or not at all, with a manifest that can be checked, and finished models kept.

Nothing is pickled: tables are csv, settings are JSON, arrays are npz without objects.
"""

from wwm_models.store.checkpoints import Checkpoints
from wwm_models.store.declared import stored_results, write_labels
from wwm_models.store.folder import check_place, new_results, read_results
from wwm_models.store.manifest import file_sha256, read_manifest, unfinished, verify_results, write_manifest
from wwm_models.store.tables import read_table, write_table

__all__ = [
    "Checkpoints",
    "check_place",
    "file_sha256",
    "new_results",
    "read_manifest",
    "read_results",
    "read_table",
    "stored_results",
    "unfinished",
    "verify_results",
    "write_labels",
    "write_manifest",
    "write_table",
]
