"""Takes whole events at once; the output is that of `reassembly`."""
