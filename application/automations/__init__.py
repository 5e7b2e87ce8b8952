"""What the service does by itself: reactions to events, and timers. Each is a sentence."""
