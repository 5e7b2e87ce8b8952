"""Posting events to webhooks as they happen."""
