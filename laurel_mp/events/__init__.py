"""Records into events: reassembly, the fast way, rendering."""
