"""Other people's tools, tuned for the task that `benchmarks.throughput` sets: one file each."""
