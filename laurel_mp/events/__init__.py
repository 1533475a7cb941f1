"""Records into events: coalescing, completion, rendering."""
