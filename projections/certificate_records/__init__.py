"""The life of each certificate in the inventory, with the positions of its changes."""
