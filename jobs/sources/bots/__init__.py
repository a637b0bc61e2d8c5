"""The data of bots in their own layout: what each has, how it becomes canonical rows, and what it cannot tell."""
