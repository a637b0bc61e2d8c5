"""What the history and the logs say: health, costs, drift, comparison, replay, and explanations."""
