"""The whole product on one machine: ``make demo`` and ``make demo ONCE=1``."""
