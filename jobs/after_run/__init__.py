"""What follows a published run, without which it counts all the same: the figures of the last days."""
