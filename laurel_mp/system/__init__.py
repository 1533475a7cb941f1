"""The operating system: capabilities, directories, sockets, memory, timers."""
