# SPDX-License-Identifier: MIT
"""Anytime curves: median gap against time, ours from the progress callback, the peers' from their reads; from the runs that
the quality part has kept, so it makes none itself."""
import math
import os
import statistics

from anneal_quality import at

CASES = ("p3000.1", "K2000", "G55")
STANDINS = ("palu-1000-50-7", "complete-500-1", "random-2000-8000-3s")


def write(curves, limit, path):
    """curves: {instance: (best, {solver: [line per seed]})}. Writes path.tsv and path.svg."""
    moments = [limit * 10 ** (k / 20 - 4) for k in range(81)]
    with open(path + ".tsv", "w", encoding="ascii") as file:
        file.write("case\tsolver\tseconds\tenergy\tgap\n")
        points = {}
        for case, (best, solvers) in curves.items():
            for solver, lines in solvers.items():
                for moment in moments:
                    energy = statistics.median(at(line, moment) for line in lines)
                    if math.isfinite(energy):
                        gap = (energy - best) / max(1.0, abs(best))
                        points.setdefault(case, {}).setdefault(solver, []).append((moment, gap))
                        file.write(f"{case}\t{solver}\t{moment:.6g}\t{energy:.12g}\t{gap:.6g}\n")
    try:
        import matplotlib
    except ImportError:
        return "no picture: matplotlib is not installed"
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, max(1, len(points)), figsize=(5.2 * max(1, len(points)), 4.2), squeeze=False)
    names = sorted({solver for solvers in points.values() for solver in solvers}, key=lambda name: (name != "ours", name))
    for axis, (case, solvers) in zip(axes[0], points.items()):
        for number, solver in enumerate(names):
            if solver in solvers:
                seconds, gaps = zip(*solvers[solver])
                axis.step(seconds, [100 * gap for gap in gaps], where="post", label=solver, color=f"C{number}",
                          linewidth=2.2 if solver == "ours" else 1.2)
        axis.set_xscale("log")
        axis.set_yscale("symlog", linthresh=0.001)
        axis.set_ylim(bottom=0)
        axis.set_title(case)
        axis.set_xlabel("seconds")
    axes[0][0].set_ylabel("median gap to the best known value, %")
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path + ".svg", metadata={"Date": None})
    return os.path.basename(path) + ".svg and .tsv written"
