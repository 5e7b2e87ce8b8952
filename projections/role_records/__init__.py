"""Who held which role, and which tokens, since when and by whose grant."""
