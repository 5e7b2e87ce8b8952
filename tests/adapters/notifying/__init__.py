"""Notifications, carried to real receivers."""
