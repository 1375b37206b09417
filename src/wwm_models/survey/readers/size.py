"""How much memory a file will need, known before it is read; what does not fit is refused with these numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wwm_models.errors import TooLargeError

BYTES_PER_CELL: Final = 24  # the library's value and our integer code, with a third on top for copying
SHARE_OF_FREE: Final = 0.5


@dataclass(frozen=True)
class Size:
    """Rows, columns and the memory they take, in bytes; an estimate where the rows are not known beforehand."""

    rows: int
    columns: int

    @property
    def memory(self) -> int:
        """Bytes while the file is read."""
        return self.rows * self.columns * BYTES_PER_CELL

    def __str__(self) -> str:
        return f"{self.rows:,} rows x {self.columns:,} columns, about {in_words(self.memory)} of memory"


def refuse_large(path: Path | str, size: Size, memory_gb: float) -> None:
    """Refuse a file that needs more memory than is declared, or than half of what is free.

    Parameters
    ----------
    path : Path or str
    size : Size
    memory_gb : float
        As declared in [source]; 0 where nothing is.

    Raises
    ------
    TooLargeError
    """
    limit = memory_gb * 1e9 or SHARE_OF_FREE * free_memory()
    if size.memory <= limit:
        return
    why = "declared in [source]" if memory_gb else "half of what is free on this machine"
    raise TooLargeError(
        f"{path}: {size}; the limit is {in_words(limit)} ({why}). Expected a file that fits. Keep only the columns that "
        "the codebook names, or count respondents without reading them (--in-place, or wwm.read_counts); or, if the memory is there, "
        f"write `memory_gb = {max(1, round(size.memory / 1e9 + 0.5))}` in [source]."
    )


def free_memory() -> float:
    """Bytes that programs can still take, as the system estimates it.

    Examples
    --------
    >>> free_memory() > 1e6
    True
    """
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES")) / 2.0


def in_words(size: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> in_words(1500), in_words(2.5e9)
    ('0.01 MB', '2.5 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.01):.3g} MB"
