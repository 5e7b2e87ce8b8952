"""The control plane's own look at what endpoints serve: the prober that it shares with the bridge, asked in texts."""
