"""The soak: days of texting in minutes, with faults of all kinds, and an account after.

``python -m tests.soak`` runs it. Everything random comes from the seed that it prints;
which process runs when does not, so that two runs with one seed are alike, not equal.
"""
