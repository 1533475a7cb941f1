"""Feeds batches to a stage runner, keeps them until a checkpoint covers them, recovers."""
