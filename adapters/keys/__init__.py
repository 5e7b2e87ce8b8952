"""Keys at rest and on their way: the vault, sealing to bridges, the Bridge CA."""
