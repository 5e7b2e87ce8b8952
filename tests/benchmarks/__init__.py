"""The benchmarks still run: small, without looking at a single figure."""
