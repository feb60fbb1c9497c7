# SPDX-License-Identifier: MIT
"""The groups of scripts/bench. Each has a function `run(bench)`, which measures in turn and
leaves samples and bars in `bench.report`."""
