"""The agent near the targets. It imports nothing of the control plane."""
