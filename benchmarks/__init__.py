"""Side-by-side timings: peers in the same run, medians of repeats, ratios to quote."""
