"""The RQ edge: what runs outside web requests."""
