"""What a study folder declares, and the line from respondents to results."""
