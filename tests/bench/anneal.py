#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The annealer beside the samplers of PyPI, one thread each, on the benchmark sets of ../shared/data/qubo.

    make bench-anneal                                    a part of it, in ten minutes
    make bench-anneal FULL=1                             all of it: 10 seeds, 1 and 10 s, every instance; many hours
    make bench-anneal BENCH='--only G22 --seeds 3'       other settings, as below

    --parts speed,quality,curves     what to do
    --only WORD ...      instances whose name contains one of the words, exactly that name for a word with = before it,
                         or a whole set, as bqp
    --seeds N            seeds 1..N
    --seconds S ...      limits; peers run once with the longest, ours and tabu once for each
    --solvers NAME ...   of the peers: dwave-sa dwave-sa-tuned dwave-tabu dwave-tree openjij-sa openjij-sa-tuned
    --least-busy 0.9     runs in which others took the processor are made again
    --tune-seconds S     seconds per point of the grid when a peer is tuned (1)

Runs are kept in build/bench-anneal/ and not made again while the library (its bytes) and the peer's version stay the same,
so a bench may be stopped and continued, and two processes may share the work by --only. A peer is tuned once per instance,
on a seed of its own: hot end of the default inverse temperatures times 60, 20, 5, 1 by cold end times 1, 0.2, 0.05, 0.02
at 1000 sweeps, then 100, 300, 1000, 3000, 10000 sweeps, the best for each limit (without FULL fewer of them); the setting stands in the
output. Ours has its automatic settings.

Time is wall time from the call on the finished problem; what peers' cores do before the first sweep is not counted, and
only answers before the limit count. A gap is (energy - best known) / |best known|, the median over the seeds. Where the
shared data is not, generated instances stand in, and the best energy of the run is taken for the best known.

The results go to the file as case, metric, ours, peer, ratio = ours / peer. Exit status 1 when a reader of the library
disagrees with the loader here, or, with --strict, when something that the project promises was not seen.
"""
import argparse
import faulthandler
import math
import os
import sys

for variable in "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS":
    os.environ[variable] = "1"

import anneal_curves
import anneal_quality
import anneal_speed
import instances
import solver_ctypes
from anneal_store import Store

PART = ("bqp1000.1", "be250.1", "G1", "G22", "G55", "K2000", "QPLIB_3693", "p3000.1")
GENERATED = ("palu-1000-50-7", "complete-500-1", "random-2000-8000-3s")


class Report:
    """A table on standard output, figures in the file, promises counted."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="ascii")
        self.file.write("case\tmetric\tours\tpeer\tratio\n")
        self.failures, self.kept, self.broken, self.disturbed = [], 0, [], 0

    def note(self, text):
        print(text, flush=True)
        self.file.write(f"# {text}\n")

    def check(self, good, text):
        if not good:
            self.failures.append(text)
            self.note("FAILED: " + text)

    def promise(self, good, text, found):
        self.kept += bool(good)
        if not good:
            self.broken.append(f"{text}: {found}")

    def head(self, title, columns):
        print(f"\n{title:<66}" + "".join(f"{name:>12}" for name in columns))

    def line(self, text):
        print("  " + text)

    def row(self, title, values):
        print(f"  {title:<64}" + "".join(f"{value:>12}" for value in values), flush=True)

    def figure(self, case, metric, ours, peer):
        """One row of the file. A value that was not reached is inf; the ratio is empty where it means nothing."""
        ratio = f"{ours / peer:.6g}" if peer and math.isfinite(peer) and math.isfinite(ours) else ""
        self.file.write(f"{case}\t{metric}\t{ours:.9g}\t{peer:.9g}\t{ratio}\n")
        self.file.flush()

    def end(self):
        print()
        for text in self.broken:
            self.note("not seen: " + text)
        if self.disturbed:
            self.note(f"{self.disturbed} runs had less than {anneal_quality.QUIET:.0%} of a processor: others were at work; "
                      f"--least-busy {anneal_quality.QUIET:g} makes them again")
        self.note(f"{self.kept} of {self.kept + len(self.broken)} promises seen")
        self.file.close()


def chosen(shelf, arguments, report):
    """Names of the instances to run."""
    if arguments.only:
        every = shelf.names() + [word.lstrip("=") for word in arguments.only
                                 if word.split("-")[0].lstrip("=") in ("palu", "uniform", "complete", "random")]
        return [name for name in dict.fromkeys(every)
                if any(name == word[1:] if word[0] == "=" else word in name or word == shelf.group(name)
                       for word in arguments.only)]
    if arguments.full:
        return list(shelf.names()) if shelf.files else list(instances.PALUBECKIS) + list(GENERATED)
    names = [name for name in PART if name in shelf.files or name in instances.PALUBECKIS]
    return names if shelf.files else names + list(GENERATED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", default="../shared/data/qubo")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--parts", default="speed,quality,curves")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--seconds", type=float, nargs="+")
    parser.add_argument("--solvers", nargs="+")
    parser.add_argument("--least-busy", type=float, default=0.0)
    parser.add_argument("--tune-seconds", type=float)
    parser.add_argument("--strict", action="store_true")
    arguments = parser.parse_args()
    faulthandler.enable()
    arguments.tune_seconds = arguments.tune_seconds or (1.0 if arguments.full else 0.1)
    arguments.grid = "full" if arguments.full else "quick"
    seeds = arguments.seeds or (10 if arguments.full else 3)
    limits = sorted(arguments.seconds or ([1.0, 10.0] if arguments.full else [1.0]))
    folder = os.path.splitext(os.path.abspath(arguments.out))[0]
    report, store = Report(arguments.out), Store(folder)
    library = solver_ctypes.Library(arguments.library)
    shelf = instances.Shelf(arguments.data, os.path.join(folder, "instances"))
    for group in shelf.missing:
        report.note(f"{group}: skipped, not in {arguments.data}")
    parts = arguments.parts.split(",")
    if "speed" in parts:
        anneal_speed.run(library, shelf, report, 5 if arguments.full else 3, arguments.only)
    bench = anneal_quality.Bench(library, store, report, arguments)
    curves = {}
    for name in chosen(shelf, arguments, report) if "quality" in parts or "curves" in parts else []:
        if "quality" not in parts and name not in anneal_curves.CASES + anneal_curves.STANDINS:
            continue
        instance = shelf.get(name)
        if instance is None:
            report.note(f"{name}: skipped, no such file")
            continue
        found, settings = bench.lines(instance, limits, seeds)
        if "quality" in parts:
            anneal_quality.show(instance, found, settings, limits, report)
        if name in anneal_curves.CASES + anneal_curves.STANDINS:
            best = instance.best
            if best is None:
                best = min(anneal_quality.at(line, limits[-1]) for lines in found.values() for line in lines)
            curves[name] = (best, {solver: lines for (solver, limit), lines in found.items() if limit == limits[-1]})
    if "curves" in parts and curves:
        report.note("curves: " + anneal_curves.write(curves, limits[-1], folder + "-curves"))
    report.end()
    sys.exit(1 if report.failures or arguments.strict and report.broken else 0)


if __name__ == "__main__":
    main()
