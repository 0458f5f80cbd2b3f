"""The figures of benchmarks/README.md, each a ratio taken in one run."""
