"""The commands: the file NAME.py is the command `router-policy NAME`."""
