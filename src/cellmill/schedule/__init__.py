"""Schedules: declared in a folder, kept in a store, run once each by one of any number of schedulers."""
