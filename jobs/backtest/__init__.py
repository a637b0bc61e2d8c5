"""What policies cost on the user's own candles: drawn orders, simulated fills, and the job's own rules in the loop.

One file for each layer: `reading` and `market` (candles), `orders`, `outages`, `fills` (what becomes of an order),
`evidence` and `routing` (the policy in the loop), `statistics`, `detection` and `comparison` (what it comes to),
`options` and `request` (what is asked for), `backtest` (the whole), `picture`. docs/backtest.md has the method.
"""
