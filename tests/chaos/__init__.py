"""The program under disturbances: nothing lost, nothing twice, in order, whatever happens to it."""
