"""Benchmark suites: each module has ``measure(quick, work) -> Figures``, figure name to number."""
