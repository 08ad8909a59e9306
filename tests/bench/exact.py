# SPDX-License-Identifier: MIT
"""Exact optimum of balanced routing, as the oracle of the bench.

    maximise sum s[t,e] x[t,e]   subject to   sum_e x[t,e] = k,  L[e] <= C,  x binary

is a minimum-cost flow on the full graph (one arc per token and expert, nothing pruned), solved by OR-tools
SimpleMinCostFlow (cost-scaling push-relabel). Its costs are integers: round(s * SCALE). Each of the T*k routes is off
by at most 0.5/SCALE, in the solution and in the true optimum, so the affinity returned is at most T*k/SCALE below the
true optimum, and never above it.
"""
import time

import numpy as np
from ortools.graph.python import min_cost_flow

SCALE = 1e9


def solve(affinity, k, capacity):
    """affinity float64 [T,E] >= 0 -> (ids int64 [T,k], affinity of ids, seconds).

    The seconds are those of building the graph from arrays and solving it, without the reading of the answer."""
    tokens, experts = affinity.shape
    token = np.arange(tokens, dtype=np.int32)
    expert = np.arange(tokens, tokens + experts, dtype=np.int32)
    sink = np.int32(tokens + experts)
    cost = -np.rint(affinity.ravel() * SCALE).astype(np.int64)

    start = time.perf_counter()
    flow = min_cost_flow.SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        np.repeat(token, experts), np.tile(expert, tokens), np.ones(tokens * experts, np.int64), cost)
    flow.add_arcs_with_capacity_and_unit_cost(
        expert, np.full(experts, sink), np.full(experts, capacity, np.int64), np.zeros(experts, np.int64))
    flow.set_nodes_supplies(np.append(token, sink), np.append(np.full(tokens, k), -tokens * k).astype(np.int64))
    status = flow.solve()
    seconds = time.perf_counter() - start
    if status != flow.OPTIMAL:
        raise RuntimeError(f"minimum-cost flow: {status}")

    chosen = np.flatnonzero(flow.flows(arcs))
    ids = (chosen % experts).reshape(tokens, k)          # arcs are token-major and each token has k of them
    return ids, float(affinity.ravel()[chosen].sum()), seconds


def rounding_bound(tokens, k):
    """Largest amount by which the true optimum may exceed the affinity that solve returns."""
    return tokens * k / SCALE
