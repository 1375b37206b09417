"""What an article prints and says: its numbers, its sentences as checkable statements, and their verdicts."""
