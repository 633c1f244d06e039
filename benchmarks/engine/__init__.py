"""The engine's benchmark: one table, measured in one run on one machine, each row beside its peers."""
