"""Reactions and timers as jobs of procrastinate, in the same database as everything else."""
