"""Benchmarks: each op against what a user would otherwise run, checked equal before it is timed."""
