"""Speed and memory of hnseg against its peers on the same work; ``make bench`` writes docs/benchmarks.md."""
