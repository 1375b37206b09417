"""Tables from a million to a hundred million rows: seconds and memory, and the same sums from another engine."""
