"""Engines: each loads the sources and runs the metric queries; `measure` has the order of work."""
