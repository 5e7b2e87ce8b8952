"""Real servers of every kind of target, each on a free port in a directory of its own."""
