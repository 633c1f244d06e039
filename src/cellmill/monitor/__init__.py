"""Watches what schedules did: alerts, service levels, status and metrics."""
