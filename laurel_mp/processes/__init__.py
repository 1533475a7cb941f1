"""What is known about processes: the process table and what it says in the output."""
