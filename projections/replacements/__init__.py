"""Mass replacements, and the batches of their plans."""
