# SPDX-License-Identifier: MIT
"""Exact optima, and bounds, of routing with touched devices and capacities.

    minimise   - sum s[t,e] x[t,e] + touch * sum_td z[t,d]
    subject to sum_e x[t,e] = k,  sum_t x[t,e] <= C,  x[t,e] <= z[t,device of e],  sum_d z[t,d] <= limit (0 = none)

z binary; given z, what remains is a transportation problem, so x need not be integer. solve() gives it to HiGHS as it
is: for small batches. kept_bound() is for large ones, with touch = 0: with prices on the capacities each token is on
its own and its best set of `limit` devices is found by trying all; the prices follow subgradient steps; every price
gives an upper bound of the kept affinity of any table.
"""
import hashlib
import itertools
import time

import highspy
import numpy as np

import quadratic_exact


def solve(affinity, k, devices, capacity, limit=0, touch=0.0, seconds=60.0):
    """quadratic_exact.Answer; its open set is the flattened x [T*E]."""
    start = time.perf_counter()
    s = affinity.astype(np.float64)
    tokens, experts = s.shape
    size = experts // devices
    x = np.arange(tokens * experts).reshape(tokens, experts)
    z = tokens * experts + np.arange(tokens * devices).reshape(tokens, devices)
    rows = quadratic_exact.Rows()
    for t in range(tokens):
        rows.add(x[t], np.ones(experts), k, k)
        if limit:
            rows.add(z[t], np.ones(devices), 0, limit)
        for e in range(experts):
            rows.add([x[t, e], z[t, e // size]], [1.0, -1.0], -highspy.kHighsInf, 0.0)
    for e in range(experts):
        rows.add(x[:, e], np.ones(tokens), 0, capacity)
    n = tokens * (experts + devices)
    cost = np.concatenate([-s.ravel(), np.full(tokens * devices, float(touch))])
    integer = np.zeros(n, np.int32)
    integer[tokens * experts:] = 1
    highs = rows.model(cost, np.zeros(n), np.ones(n), integer)
    highs.setOptionValue("time_limit", float(seconds))
    highs.setOptionValue("mip_rel_gap", 1e-7)
    highs.run()
    info = highs.getInfo()
    values = highs.getSolution().col_value
    found = info.primal_solution_status == 2 and len(values) == n
    chosen = np.array(values[:tokens * experts]) > 0.5 if found else np.zeros(tokens * experts, bool)
    return quadratic_exact.Answer(info.objective_function_value if found else np.inf, info.mip_dual_bound, chosen,
                                  time.perf_counter() - start, "highs")


def key(affinity, *settings):
    """Of an instance, for quadratic_exact.Cache."""
    digest = hashlib.sha256(np.ascontiguousarray(affinity, np.float32).tobytes())
    digest.update(repr((affinity.shape, settings)).encode())
    return "touch-" + digest.hexdigest()[:24]


def subsets(devices, limit):
    return np.array(list(itertools.combinations(range(devices), limit)))


def best_tables(priced, k, devices, choices, chunk=512):
    """Every token's best k experts on one of the sets of devices: (sum of their priced affinity, loads [E])."""
    tokens, experts = priced.shape
    size = experts // devices
    total, loads = 0.0, np.zeros(experts)
    for first in range(0, tokens, chunk):
        part = priced[first:first + chunk]
        blocks = part.reshape(len(part), devices, size)
        few = min(k, size)
        top = -np.partition(-blocks, few - 1, axis=2)[:, :, :few]
        merged = top[:, choices].reshape(len(part), len(choices), -1)
        sums = np.partition(merged, merged.shape[2] - k, axis=2)[:, :, -k:].sum(axis=2)
        pick = choices[sums.argmax(axis=1)]
        total += sums.max(axis=1).sum()
        used = np.zeros((len(part), devices), bool)
        np.put_along_axis(used, pick, True, axis=1)
        allowed = np.where(np.repeat(used, size, axis=1), part, -np.inf)
        loads += np.bincount(np.argpartition(-allowed, k - 1, axis=1)[:, :k].ravel(), minlength=experts)
    return float(total), loads


def kept_bound(affinity, k, devices, capacity, limit, known, steps=40):
    """Upper bound of the affinity that any table with at most `limit` devices per token and no overflow keeps. known is
    the affinity of some table: the steps aim at it."""
    s = affinity.astype(np.float32)
    tokens, experts = s.shape
    if min(devices, limit) * (experts // devices) < k:
        raise ValueError("so few devices do not hold k experts")
    choices = subsets(devices, limit)
    free = capacity * experts == tokens * k                                       # loads are then equal: any sign
    prices, best, kept, scale, stale = np.zeros(experts), np.inf, None, 1.0, 0
    for _ in range(steps):
        total, loads = best_tables(s - prices.astype(np.float32), k, devices, choices)
        value = total + capacity * prices.sum()
        if value < best - 1e-6 * abs(known):
            best, kept, stale = value, prices.copy(), 0
        else:
            stale += 1
            if stale >= 3:
                scale, stale, prices = scale / 2, 0, kept.copy()
                continue
        slope = loads - capacity
        norm = float((slope * slope).sum())
        if norm == 0.0:
            break
        prices = prices + scale * max(value - known, 1e-6) / norm * slope
        if not free:
            prices = np.maximum(prices, 0.0)
    return best
