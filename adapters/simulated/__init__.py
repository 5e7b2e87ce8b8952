"""Shipped twins of the outside world: for the demo, the tests and the benchmarks."""
