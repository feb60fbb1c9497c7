# SPDX-License-Identifier: MIT
"""Medians, and how sure a ratio is."""

import math
import random
import statistics

RESAMPLES = 4000
SEED = 20240229  # the same samples give the same interval
LEAST_RUNS = 3  # for an interval
# Student's t, 97.5 %, by degrees of freedom from 2 on; beyond the last it is nearly normal.
STUDENT = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
           2.131, 2.120, 2.110, 2.101, 2.093, 2.086)  # fmt: skip
NORMAL = 1.960


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def _tail(runs):
    """The share to cut off at each end of the resamples for 95 %.

    The plain 2.5 % is too narrow for few samples; widened as in Hesterberg, "What teachers should know
    about the bootstrap" (2015), 4.4: by sqrt(n / (n - 1)) and Student's t."""
    student = STUDENT[min(runs - 3, len(STUDENT) - 1)] if runs - 3 < len(STUDENT) else NORMAL
    return statistics.NormalDist().cdf(-math.sqrt(runs / (runs - 1)) * student)


def interval(ratios):
    """The geometric mean of one ratio for each interleaved run, and its 95 % interval by bootstrap
    over the runs; (None, None) for too few of them."""
    center = geometric_mean(ratios)
    if len(ratios) < LEAST_RUNS:
        return center, None
    chance = random.Random(SEED)
    logs = [math.log(ratio) for ratio in ratios]
    means = sorted(statistics.fmean(chance.choices(logs, k=len(logs))) for _ in range(RESAMPLES))
    cut = min(len(means) // 2 - 1, round(_tail(len(ratios)) * len(means)))
    return center, (math.exp(means[cut]), math.exp(means[-1 - cut]))
