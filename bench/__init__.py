"""What Kalends costs, measured: see docs/performance.md."""
