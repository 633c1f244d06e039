"""Writes what a pipeline's folder declares as files of other orchestrators."""
