"""The policy in the bots that people run: one module for each bot, none of which the client itself imports."""
