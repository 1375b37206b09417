"""What the printed numbers alone allow, by linear programming."""
