"""The benchmark: laurel-mp and peers convert the same input in turn, round after round."""
