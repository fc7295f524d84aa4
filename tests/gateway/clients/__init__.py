"""Tours of the gateway by other client libraries, each in an environment of its own."""
