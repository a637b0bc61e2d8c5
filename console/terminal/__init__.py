"""What the commands share to write on a terminal or to a file."""
