"""Who has reviewed the inventory, what has changed since, and when is the next review due?"""
