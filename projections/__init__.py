"""Read models: one folder per question, each a fold of the one log."""
