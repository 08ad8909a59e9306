# SPDX-License-Identifier: MIT
"""Generalised assignment with constraint objects: every answer is feasible, and how far it is from the best known.

    python3 tests/bench/assign.py --library build/libspinroute.so --data ../shared/data/qubo/GAP [--seconds 10] [--seeds 3]
                                  [--only d] [--out file.tsv]

One line per instance: agents, jobs, best known, medians over seeds of the gap in % after a tenth of the time and after all
of it. Instances and bounds: OR-Library (J.E. Beasley) and M. Yagiura's; type e's bounds are the best published. Exit status 1
if an answer is infeasible or an instance of type c is more than 1 % off.
"""
import argparse
import ctypes
import os
import statistics
import sys
from ctypes import byref

import numpy as np

F64, I64, I32, P = ctypes.c_double, ctypes.c_int64, ctypes.c_int32, ctypes.c_void_p


class Terms(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("squares", I64), ("square_start", P), ("square_member", P), ("square_factor", P),
                ("square_weight", P), ("square_target", P), ("constraints", I64), ("constraint_kind", P),
                ("constraint_start", P), ("constraint_member", P), ("constraint_factor", P), ("constraint_bound", P)]


class Result(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t)] + [(name, I64) for name in "outcome work offers samples seed".split()] + [
        (name, F64) for name in "energy lower_bound seconds".split()]



class Library:
    def __init__(self, path):
        self.spr = ctypes.CDLL(path)
        self.error = ctypes.create_string_buffer(4096)

    def call(self, name, *arguments):
        status = getattr(self.spr, name)(*arguments, self.error)
        if status < 0:
            raise RuntimeError(f"{name}: {status} {self.error.raw[4:].split(bytes(1))[0].decode()}")
        return status


def read(path):
    numbers = np.array(open(path).read().split(), dtype=float)
    agents, jobs = int(numbers[0]), int(numbers[1])
    costs = numbers[2:2 + agents * jobs].reshape(agents, jobs)
    needs = numbers[2 + agents * jobs:2 + 2 * agents * jobs].reshape(agents, jobs)
    return costs, needs, numbers[2 + 2 * agents * jobs:]


def problem_of(library, costs, needs, room):
    """Variable job * agents + agent; one group per job, one limit per agent."""
    agents, jobs = costs.shape
    n = agents * jobs
    linear = np.ascontiguousarray(costs.T).ravel()
    kind = np.array([0] * jobs + [1] * agents, np.int32)
    start = np.concatenate([np.arange(jobs + 1) * agents, n + np.arange(1, agents + 1) * jobs]).astype(np.int64)
    member = np.concatenate([np.arange(n), np.arange(n).reshape(jobs, agents).T.ravel()]).astype(np.int32)
    factor = np.concatenate([np.ones(n), needs.ravel()])
    bound = np.concatenate([np.ones(jobs), room])
    base, made = P(), P()
    library.call("spr_problem_from_entries", None, None, I32(0), I64(n), P(linear.ctypes.data), I64(0), None, None, None,
                 F64(0.0), byref(base))
    terms = Terms(ctypes.sizeof(Terms), 0, None, None, None, None, None, len(kind), kind.ctypes.data, start.ctypes.data,
                  member.ctypes.data, factor.ctypes.data, bound.ctypes.data)
    library.call("spr_problem_with_terms", None, None, base, byref(terms), byref(made))
    library.spr.spr_problem_free(base)
    return made


def solve(library, problem, n, seed, seconds, backend, marks):
    """(state or None, energy, energies at the marks, work)."""
    solver, result = P(), Result(ctypes.sizeof(Result))
    library.call("spr_solver_new", None, None, None, backend.encode(), problem, byref(solver))
    for name, value in (("seed", seed),):
        library.call("spr_solver_set_integer", solver, name.encode(), I64(value))
    library.call("spr_solver_set_real", solver, b"seconds", F64(seconds))
    at = [float("inf")] * len(marks)

    def progress(_, work, energy, elapsed):
        for i, mark in enumerate(marks):
            if elapsed <= mark:
                at[i] = energy
        return 0

    callback = ctypes.CFUNCTYPE(I32, P, I64, F64, F64)(progress)
    library.call("spr_solver_set_progress", solver, callback, None)
    library.call("spr_solver_solve", solver, byref(result))
    bits = np.zeros(n, np.uint8)
    if result.samples > 0:
        library.call("spr_solver_get_sample", solver, I64(0), P(bits.ctypes.data), None, None)
    library.spr.spr_solver_free(solver)
    return (bits if result.samples > 0 else None), result.energy, at, result.work


def feasible(bits, needs, room):
    agents, jobs = needs.shape
    x = bits.reshape(jobs, agents).T
    return bool((x.sum(axis=0) == 1).all() and ((needs * x).sum(axis=1) <= room).all())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="build/libspinroute.so")
    parser.add_argument("--data", default="../shared/data/qubo/GAP")
    parser.add_argument("--backend", default="anneal")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    manifest = os.path.join(arguments.data, "MANIFEST.tsv")
    if not os.path.exists(manifest):
        print(f"skipped: no {manifest}")
        return 0
    library = Library(os.path.abspath(arguments.library))
    library.spr.spr_problem_free.argtypes = library.spr.spr_solver_free.argtypes = [P]
    lines, failed = ["instance\tagents\tjobs\tlower\tbest\tgap_tenth\tgap\twork"], 0
    print(lines[0])
    for line in open(manifest):
        if line.startswith(("#", "file")):
            continue
        name, _, _, lower, best = line.split("\t")[:5]
        if arguments.only and not name.startswith(tuple(arguments.only.split(","))):
            continue
        costs, needs, room = read(os.path.join(arguments.data, name))
        problem = problem_of(library, costs, needs, room)
        early, late, works = [], [], []
        for seed in range(arguments.seeds):
            bits, energy, at, work = solve(library, problem, costs.size, seed, arguments.seconds, arguments.backend,
                                           [arguments.seconds / 10.0])
            if bits is not None and not feasible(bits, needs, room):
                print(f"{name}: an infeasible answer")
                failed += 1
            early.append(100.0 * (at[0] / float(best) - 1.0))
            late.append(100.0 * (energy / float(best) - 1.0))
            works.append(work)
        library.spr.spr_problem_free(problem)
        failed += name.startswith("c") and statistics.median(late) > 1.0
        lines.append(f"{name}\t{costs.shape[0]}\t{costs.shape[1]}\t{lower}\t{best}\t{statistics.median(early):.3f}\t"
                     f"{statistics.median(late):.3f}\t{statistics.median(works):.0f}")
        print(lines[-1], flush=True)
    if arguments.out:
        with open(arguments.out, "w") as file:
            file.write("\n".join(lines) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
