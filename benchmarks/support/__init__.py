"""What benchmarks share: interleaved rounds, ratios, results as JSON, peers."""
