"""Other systems that are told of runs: each implements `ports.Sink`."""
