"""A simulated gateway that speaks TWS's protocol over TCP, faults included, to rehearse on."""
