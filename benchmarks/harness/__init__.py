"""What all benchmarks share: how time and memory are measured, slopes are fitted, and records are written."""
