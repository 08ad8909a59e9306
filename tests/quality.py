#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The quality ledger: what the solver finds with a given effort may not get worse.

    make quality                 every line of tests/quality.csv
    make quality UPDATE=1        writes better energies, and those of lines without one, into it
    make check-quality           the generated instances with an effort of at most 500, as make check does

A line is instance, seed, effort, energy. The solver is the library's choice with its automatic settings, the effort is its
limit "work" in counted units, so that a line means the same on every machine. A worse energy is a failure; a better one is
reported, and accepted by UPDATE=1. Whoever means to accept a worse one deletes the energy of the line first, and says why
in the commit. Instances are those of tests/bench/instances.py: generated ones are always there, others are skipped where
../shared/data/qubo is not.
"""
import argparse
import csv
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "bench"))
sys.dont_write_bytecode = True

import instances
import solver_ctypes

SHORT = 500


def solve(problem, seed, effort):
    solver = solver_ctypes.Solver(problem, seed=seed, work=effort)
    result = solver.solve()
    bits = solver.sample() if result.samples > 0 else None
    solver.close()
    if bits is not None and problem.energy(bits) != result.energy:
        raise RuntimeError("the sample has not the energy of the result")
    return result.energy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--data", default="../shared/data/qubo")
    parser.add_argument("--cache", help="folder where big generated instances are kept")
    parser.add_argument("--ledger", default=os.path.join(HERE, "quality.csv"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", nargs="+", help="parts of names")
    arguments = parser.parse_args()
    library = solver_ctypes.Library(arguments.library)
    shelf = instances.Shelf(None if arguments.short else arguments.data, arguments.cache)
    with open(arguments.ledger, encoding="ascii", newline="") as file:
        lines = list(csv.DictReader(file))
    passed = failed = skipped = better = new = 0
    name, problem, best, begin = None, None, None, time.time()
    for line in lines:
        effort = int(line["effort"])
        known = line["instance"] not in shelf.files and shelf.group(line["instance"]) == "generated"
        if arguments.short and not (known and effort <= SHORT):
            continue
        if arguments.only and not any(word in line["instance"] for word in arguments.only):
            continue
        if line["instance"] != name:
            if problem:
                problem.close()
            name = line["instance"]
            instance = shelf.get(name)
            problem = solver_ctypes.Problem(library, instance) if instance else None
            best = instance.best if instance else None
            if instance is None:
                print(f"skipped: {name}, not in {arguments.data}")
        if problem is None:
            skipped += 1
            continue
        energy = solve(problem, int(line["seed"]), effort)
        what = f"{name}, seed {line['seed']}, effort {effort}: energy {energy:.17g}"
        if best is not None and energy < best:
            print(f"{what}, below the best known {best:.17g}")
        if not line["energy"]:
            new += 1
            print(f"{what}, new")
        elif energy > float(line["energy"]):
            failed += 1
            print(f"FAIL: {what}, was {line['energy']}")
            continue
        elif energy < float(line["energy"]):
            better += 1
            print(f"{what}, better than {line['energy']}")
        passed += 1
        line["energy"] = f"{energy:.17g}"
    if arguments.update and better + new:
        with open(arguments.ledger + ".new", "w", encoding="ascii", newline="") as file:
            writer = csv.DictWriter(file, ["instance", "seed", "effort", "energy"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
        os.replace(arguments.ledger + ".new", arguments.ledger)
        print(f"{arguments.ledger}: {better} better, {new} new, written")
    elif better + new:
        print(f"{better} better, {new} new: make quality UPDATE=1 writes them into the ledger")
    print(f"{time.time() - begin:.1f} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
