# SPDX-License-Identifier: MIT
"""Routing as a problem with constraint objects: the annealer for them beside spr_route, which knows the structure.

    python3 tests/bench/route_groups.py --library build/libspinroute.so [--backend grouped] [--times 1,10,100] [--inputs 4]
                                        [--out file.tsv]

Affinity, exactly k, capacity factor 1, balance of experts and devices; random popularity (zipf). One line per shape: median
microseconds of spr_route, its H, and how much larger, in % of |H|, what the annealer finds from nothing in that many times
the time of spr_route (the lowering not counted). Exit status 1 if it is more than 1 % larger in 10 times the time.
"""
import argparse
import ctypes
import statistics
import sys
import tempfile
import time
from ctypes import byref

import inputs
import quadratic_ctypes
from spinroute_ctypes import F64, I64, Library, P

SHAPES = ((64, 16, 2), (64, 16, 4), (256, 64, 8), (1024, 64, 8))


class Result(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t)] + [(name, I64) for name in "outcome work offers samples seed".split()] + [
        (name, F64) for name in "energy lower_bound seconds".split()]


def anneal(library, lowering, backend, seconds, seed):
    solver, result = P(), Result(ctypes.sizeof(Result))
    library.call("spr_solver_new", None, None, None, backend.encode(), lowering.problem, byref(solver))
    library.call("spr_solver_set_integer", solver, b"seed", I64(seed))
    library.call("spr_solver_set_real", solver, b"seconds", F64(seconds))
    library.call("spr_solver_solve", solver, byref(result))
    library.spr.spr_solver_free(solver)
    return result


def microseconds(calls, index, least=5):
    """Fastest of a few calls of spr_route for one input."""
    best = float("inf")
    for _ in range(least):
        begun = time.perf_counter()
        calls.library.call("spr_route", calls.workspaces[calls.inputs[index][0]], byref(calls.batches[index]),
                           byref(calls.tables[index]))
        best = min(best, time.perf_counter() - begun)
    return 1e6 * best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="build/libspinroute.so")
    parser.add_argument("--backend", default="anneal")
    parser.add_argument("--times", default="1,10,100")
    parser.add_argument("--inputs", type=int, default=4)
    parser.add_argument("--options", default="balance_weight=0.1 devices=4 device_balance_weight=0.1 capacity_factor=1.0")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    times = [float(word) for word in arguments.times.split(",")]
    with tempfile.TemporaryDirectory() as directory:
        library = Library(arguments.library, directory)
    library.spr.spr_solver_free.argtypes = [P]
    lines = ["tokens\texperts\tk\tus_route\tH_route\t" + "\t".join(f"above_{t:g}x" for t in times)]
    failed = 0
    print(lines[0])
    for tokens, experts, k in SHAPES:
        items = inputs.zipf(tokens, experts, 7)[:arguments.inputs]
        calls = quadratic_ctypes.QuadraticCalls(library, f"experts={experts} k={k} {arguments.options}", items, k)
        took, energies, above = [], [], [[] for _ in times]
        for i in range(len(items)):
            took.append(microseconds(calls, i))
            lowering = quadratic_ctypes.Lowering(calls, i, constraints=1)
            known = lowering.report.known
            energies.append(known)
            for j, factor in enumerate(times):
                result = anneal(library, lowering, arguments.backend, factor * took[-1] / 1e6, i)
                above[j].append(100.0 * (result.energy - known) / abs(known))
            lowering.close()
        calls.close()
        gaps = [statistics.median(column) for column in above]
        failed += any(gap > 1.0 for gap, factor in zip(gaps, times) if factor == 10.0)
        lines.append(f"{tokens}\t{experts}\t{k}\t{statistics.median(took):.0f}\t{statistics.median(energies):.4f}\t"
                     + "\t".join(f"{gap:.3f}" for gap in gaps))
        print(lines[-1], flush=True)
    if arguments.out:
        with open(arguments.out, "w") as file:
            file.write("\n".join(lines) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
