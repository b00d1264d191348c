"""Container images built, pushed, pulled and run on this machine, with an engine or without one."""
