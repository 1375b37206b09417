"""What may not be published, and what has to go with it."""
