"""The demo: a seeded market and a maker-first bot on it, whose log and candles the jobs read like anybody's.

Nothing outside this package knows that they are simulated: what is read lies in files, as a real bot writes them.
"""
