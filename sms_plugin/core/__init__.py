"""The pure core: rules without I/O, where time and randomness are arguments."""
