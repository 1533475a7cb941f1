"""What the program says about itself: logging, counters."""
