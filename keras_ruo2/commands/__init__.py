"""What each command checks before a backend starts, and what it starts then."""
