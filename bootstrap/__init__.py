"""What happens at notebook start: the user's own environment comes back from persistent storage."""
