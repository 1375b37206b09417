"""Side-by-side timings and simulations: peers in the same run, medians of repeats, ratios and rates to quote."""

import os

# One thread per process, before numpy loads, for us and for the peers: small matrices gain nothing from two.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
