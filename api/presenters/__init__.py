"""From the state of aggregates to the shapes of the API: the same for the answer to a command and for a read."""
