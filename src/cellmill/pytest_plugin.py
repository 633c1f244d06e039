"""Collects pipeline.yaml files, so that ``pytest pipelines/`` builds and checks each pipeline."""
