"""What the operating system gives and demands: rights, directories, sockets, memory, timers."""
