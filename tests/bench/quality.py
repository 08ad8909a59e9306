# SPDX-License-Identifier: MIT
"""Measures of a table of ids, the same for every method."""
import numpy as np


def softmax(logits):
    """Softmax in float32, as float64: the affinity of every method and of the exact optimum."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float64)


def measure(ids, affinity, capacity):
    """Returns (kept affinity, overflow fraction, max load over mean) of ids [T,k], -1 = none.

    Kept: routes beyond an expert's capacity are dropped, the lowest affinity first. Overflow: dropped routes and
    missing ones over T*k. The load is the one before drops, the mean is T*k/E."""
    tokens, experts = affinity.shape
    token, slot = np.nonzero(ids >= 0)
    expert = ids[token, slot]
    value = affinity[token, expert]
    order = np.lexsort((-value, expert))
    loads = np.bincount(expert, minlength=experts)
    first = np.cumsum(loads) - loads
    place = np.arange(order.size) - first[expert[order]]
    kept = order[place < capacity]
    return float(value[kept].sum()), 1.0 - kept.size / ids.size, loads.max() * experts / ids.size


def distinct(ids):
    """True when no row has an expert twice."""
    rows = np.sort(ids, axis=1)
    return not np.any((rows[:, 1:] == rows[:, :-1]) & (rows[:, 1:] >= 0))
