# SPDX-License-Identifier: MIT
"""Promises of the tables that the bench measured. A broken one is printed and fails the run at its end: a fast wrong
answer is no answer."""
import math

import numpy as np

import quality

broken = []


def expect(condition, case, text):
    if not condition:
        broken.append(f"{case}: {text}")
        print("BROKEN", broken[-1], flush=True)


def summary():
    """0, or the list of what was broken."""
    return "\n".join([f"{len(broken)} promises broken", *broken]) if broken else 0


def chosen(ids, affinity):
    return np.take_along_axis(affinity, ids.astype(np.int64), axis=1)


def selection(case, ids, theirs, affinity):
    """Same affinities as the peer's top-k, slot by slot; ties may be decided otherwise."""
    expect(ids.min() >= 0 and quality.distinct(ids), case, "selected experts are not distinct")
    expect(np.allclose(chosen(ids, affinity), chosen(theirs, affinity), rtol=1e-6, atol=1e-9), case, "not the top-k")


def table(case, arrays, affinity):
    """Weights are the affinities of the ids, in descending order; the other arrays follow from the ids."""
    ids = arrays["ids"]
    tokens, k = ids.shape
    expect(ids.min() >= 0 and quality.distinct(ids), case, "experts of a token are missing or not distinct")
    weights = chosen(ids, affinity)
    expect(np.allclose(arrays["weights"], weights, rtol=1e-5, atol=1e-9), case, "weights are not the softmax")
    expect(np.all(weights[:, 1:] <= weights[:, :-1] * (1 + 1e-6)), case, "ids are not in descending order")
    counts = np.bincount(ids.ravel(), minlength=affinity.shape[1])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    order = np.argsort(ids.ravel(), kind="stable")
    positions = np.empty(tokens * k, np.int64)
    positions[order] = np.arange(tokens * k) - offsets[ids.ravel()[order]]
    for name, value in ("counts", counts), ("offsets", offsets), ("sorted", order), ("positions", positions):
        expect(np.array_equal(arrays[name].ravel(), value), case, f"{name} do not follow from ids")


def capacity(case, ours, tokens, experts, k, factor):
    expect(ours == math.ceil(tokens * k / experts * factor), case, f"capacity is {ours}")
    return ours


def balanced(case, ids, limit, experts):
    expect(ids.min() >= 0 and quality.distinct(ids), case, "experts of a token are missing or not distinct")
    expect(np.bincount(ids.ravel(), minlength=experts).max() <= limit, case, "an expert is over capacity")


def below(case, name, kept, optimum, rounding):
    expect(kept <= optimum + rounding + 1e-9 * optimum, case, f"{name} keeps {kept}, more than the optimum {optimum}")


def certificate(case, certified, true, affinity, scores, optimum, rounding, k):
    """The certified gap is no smaller than the true one. Both are relative to sums over slightly different affinities:
    the library's float32 softmax and ours. A table's sum changes by at most k times the
    largest difference per token."""
    difference = k * np.abs(scores - affinity).max(axis=1).sum() / optimum
    expect(difference < 1e-5, case, f"spr_scores differs from the softmax by {difference:.2g}")
    tolerance = 2 * difference + rounding / optimum
    expect(certified >= true - tolerance, case, f"certified gap {certified:.3g} is below the true gap {true:.3g}")
    expect(certified < 0.01, case, f"certified gap {certified:.3g} proves nothing")
