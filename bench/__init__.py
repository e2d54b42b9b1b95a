"""Benchmarks of Kalends: see docs/performance.md."""
