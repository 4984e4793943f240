"""What each backend adds to the schedule."""
