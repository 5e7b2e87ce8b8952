"""Carrying notifications of alerts: by mail, and to webhooks."""
