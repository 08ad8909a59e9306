# SPDX-License-Identifier: MIT
"""Ours and the peers on the benchmark sets, at equal wall time: gaps, times to the best known value."""
import functools
import math
import statistics
import time

import anneal_peers
import solver_ctypes
from anneal_store import library_version, measured, package_version

# Seconds in which the median must reach the best known value, and energies at 10 s: what the project wants to show.
REACH = {"bqp1000.1": 0.010, "bqp1000.5": 0.010, "p3000.1": 0.030, "G1": 0.010, "G43": 0.010, "G22": 0.6, "K2000": 0.8,
         "p5000.1": 10.0}
AT_TEN = {"G55": -10294, "G35": -7683, "G32": -1410}
# Where the gap must be strictly smaller than that of the best peer, unless both are 0.
HARD = ("K2000", "G22", "G32", "G35", "G55", "G60", "G70", "G81")
QUIET = 0.9                     # share of the processor below which a run was disturbed
PEERS = ("dwave-sa", "dwave-sa-tuned", "dwave-tabu", "dwave-tree", "openjij-sa", "openjij-sa-tuned")
MAKERS = {"dwave-sa": anneal_peers.DwaveAnnealing, "dwave-tabu": anneal_peers.DwaveTabu,
          "dwave-tree": anneal_peers.DwaveTree, "openjij-sa": anneal_peers.OpenjijAnnealing}
MOST_DENSE = 8000               # variables up to which a peer gets a dense matrix


def is_hard(instance):
    return instance.name in HARD or instance.group == "palubeckis"


class Ours:
    """Automatic settings only: seed, seconds, target."""

    def __init__(self, library, instance, report):
        self.instance = instance
        self.problem = solver_ctypes.Problem(library, instance)
        if self.problem.format:
            self.agree(report)

    def agree(self, report):
        """The library's reader and ours are two; they must mean the same problem."""
        state = 1
        for _ in range(3):
            bits = []
            for _ in range(self.instance.n):
                state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
                bits.append(state >> 63)
            mine, its = self.instance.energy(bits), self.problem.energy(bits)
            if mine != its:
                report.check(False, f"{self.instance.name}: format {self.problem.format}, energy {its:g} of a state "
                                    f"whose energy is {mine:g}; entries are used instead")
                library = self.problem.library
                self.problem.close()
                self.problem = solver_ctypes.Problem(library, self.instance, entries=True)
                return

    def run(self, seed, limit, target):
        trace, start = [], time.perf_counter()
        options = {"target": repr(target)} if math.isfinite(target) else {}
        solver = solver_ctypes.Solver(self.problem, seed=seed, seconds=limit, **options)
        result = solver.solve(trace, start)
        bits = solver.sample() if result.samples > 0 else None
        solver.close()
        if bits is not None and self.problem.energy(bits) != result.energy:
            raise RuntimeError(f"{self.instance.name}: the sample has not the energy of the result")
        return [point for point in trace if point[0] <= limit]


class Bench:
    """Runs what is missing in the store; answers from it."""

    def __init__(self, library, store, report, arguments):
        self.library, self.store, self.report, self.arguments = library, store, report, arguments
        self.version = library_version(library.path)

    def solvers(self, model):
        named = [name for name in PEERS if not self.arguments.solvers or name in self.arguments.solvers]
        if "dwave-tree" in named and not anneal_peers.DwaveTree.applies(model):
            named.remove("dwave-tree")
        if model.n > MOST_DENSE and "dwave-tabu" in named:
            named.remove("dwave-tabu")
        return named

    def tuned(self, name, instance, model, target, limits):
        """The tuned settings of a peer for an instance, one per limit, from the store or made now."""
        peer = MAKERS[name[:-len("-tuned")]]
        fields = {"version": package_version(peer.version), "target": instance.best,
                  "grid": self.arguments.grid, "limits": limits}
        line = self.store.find("tuning-" + peer.name, instance.name, limit=self.arguments.tune_seconds, **fields)
        if line is None:
            setting, busy = measured(lambda: anneal_peers.tune(peer, model(), target, self.arguments.tune_seconds,
                                                               self.arguments.grid, limits))
            line = self.store.add("tuning-" + peer.name, instance.name,
                                  dict(fields, limit=self.arguments.tune_seconds, setting=setting, busy=busy))
        return line["setting"]

    def lines(self, instance, limits, seeds):
        """{(solver, limit): [line per seed]} and {tuned solver: its setting per limit}. Ours and the peers take turns."""
        target = instance.best if instance.best is not None else -math.inf
        stored_target = instance.best
        ours, samplers, found, settings = None, {}, {}, {}
        model = functools.cache(lambda: anneal_peers.Model(instance))
        names = self.store_names(instance)
        if names is None:
            names = self.solvers(model())
            self.store.add("applies", instance.name, {"limit": 0, "solvers": ",".join(names),
                                                      "asked": self.asked()})
        for name in names:
            if name.endswith("-tuned"):
                settings[name] = self.tuned(name, instance, model, target, limits)
        for seed in range(1, seeds + 1):
            for limit in limits:
                fields = dict(version=self.version, seed=seed, target=stored_target)
                line = self.store.find("ours", instance.name, True, limit, self.arguments.least_busy, **fields)
                if line is None:
                    ours = ours or Ours(self.library, instance, self.report)
                    trace, busy = measured(lambda: ours.run(seed, limit, target))
                    line = self.store.add("ours", instance.name, dict(fields, limit=limit, trace=trace, busy=busy))
                found.setdefault(("ours", limit), []).append(line)
            for name in names:
                maker = MAKERS[name.replace("-tuned", "")]
                # Tabu tells nothing before its end: one run per limit. The others run once per setting, as long as is
                # asked: the longest comes first.
                exact = name == "dwave-tabu"
                for number, limit in sorted(enumerate(limits), reverse=True):
                    setting = settings[name][number] if name in settings else {}
                    fields = dict(version=package_version(maker.version), seed=seed, target=stored_target,
                                  setting=setting)
                    line = self.store.find(name, instance.name, exact, limit, self.arguments.least_busy, **fields)
                    if line is None:
                        key = (name, str(setting))
                        if key not in samplers:
                            samplers[key] = maker(model(), **setting)
                        trace, busy = measured(lambda: samplers[key].run(seed, limit, target))
                        line = self.store.add(name, instance.name, dict(fields, limit=limit, trace=trace, busy=busy))
                    found.setdefault((name, limit), []).append(line)
        return found, settings

    def asked(self):
        return ",".join(self.arguments.solvers or ["all"])

    def store_names(self, instance):
        line = self.store.find("applies", instance.name, asked=self.asked())
        return None if line is None else [name for name in line["solvers"].split(",") if name]


def at(line, limit):
    """Best energy of a run within the limit; inf when there was none."""
    energies = [energy for seconds, energy in line["trace"] if seconds <= limit]
    return energies[-1] if energies else math.inf


def hit(line, best):
    """When a run reached the energy; inf when it did not."""
    return min((seconds for seconds, energy in line["trace"] if energy <= best), default=math.inf)


def time_to_target(hits):
    """Seconds for 99 % success with restarts at the best moment t: t ln 0.01 / ln (1 - share of runs that hit by t); when
    all of them hit, the last hit. From as many runs as there are, so a coarse figure."""
    hits, best = sorted(hits), math.inf
    for k, seconds in enumerate(hits, 1):
        if math.isfinite(seconds):
            share = k / len(hits)
            best = min(best, seconds if share == 1 else seconds * max(1.0, math.log(0.01) / math.log(1 - share)))
    return best


def summary(instance, found, limits):
    """{solver: {"gap": {limit: median}, "energy": {limit: median}, "reach": median, "target99": s, "hits": n}}"""
    best = instance.best
    if best is None:            # nobody knows: the best of this run
        best = min(at(line, limits[-1]) for lines in found.values() for line in lines)
    table = {}
    for (name, limit), lines in found.items():
        energies = [at(line, limit) for line in lines]
        median = statistics.median(energies)
        row = table.setdefault(name, {"gap": {}, "energy": {}, "disturbed": 0, "seeds": len(lines)})
        row["energy"][limit] = median
        row["gap"][limit] = (median - best) / max(1.0, abs(best)) if math.isfinite(median) else math.inf
        row["disturbed"] += sum(line["busy"] < QUIET for line in lines)
        row["below"] = min(row.get("below", 0), min(energies) - best)
        if limit == limits[-1]:
            hits = [hit(line, best) for line in lines]
            hits = [seconds if seconds <= limit else math.inf for seconds in hits]
            row["reach"], row["target99"] = statistics.median(hits), time_to_target(hits)
            row["hits"] = sum(math.isfinite(seconds) for seconds in hits)
    return table


def promises(instance, table, limits, report):
    """Says where ours is behind what the project wants to show."""
    ours, name = table["ours"], instance.name
    peers = {peer: row for peer, row in table.items() if peer != "ours"}
    for limit in limits:
        if peers:
            least = min(row["gap"][limit] for row in peers.values())
            mine = ours["gap"][limit]
            report.promise(mine <= least + 1e-12, f"{name}: median gap at {limit:g} s no worse than the best peer's",
                           f"{mine:.4%}, {least:.4%}")
            if is_hard(instance):
                report.promise(mine < least or mine <= 0, f"{name}: median gap at {limit:g} s better than the best peer's",
                               f"{mine:.4%}, {least:.4%}")
    if name in REACH and limits[-1] >= REACH[name]:
        report.promise(ours["reach"] <= REACH[name], f"{name}: best known value within {REACH[name]:g} s (median)",
                       f"{ours['reach']:.4g} s")
    if name in AT_TEN and 10.0 in limits:
        report.promise(ours["energy"][10.0] <= AT_TEN[name], f"{name}: energy {AT_TEN[name]} at 10 s (median)",
                       f"{ours['energy'][10.0]:g}")
    if instance.group == "QPLIB" and 10.0 in limits:
        report.promise(ours["gap"][10.0] <= 0, f"{name}: best known value within 10 s (median)",
                       f"gap {ours['gap'][10.0]:.4%}")
    for peer, row in table.items():
        if row["below"] < 0:
            report.note(f"{name}: {peer} is {-row['below']:g} below the best known energy {instance.best:g}")
        report.disturbed += row["disturbed"]


def show(instance, found, settings, limits, report):
    table = summary(instance, found, limits)
    best = "unknown" if instance.best is None else f"{instance.best:g}"
    report.head(f"{instance.name} ({instance.group}, n={instance.n}, {len(instance.rows)} couplings, best {best})",
                [f"gap {limit:g} s" for limit in limits] + ["to best, s", "99 %, s", "hits"])
    for name, row in sorted(table.items(), key=lambda item: (item[0] != "ours", item[0])):
        text = name + (f" ({anneal_peers.describe(settings[name], limits)})" if name in settings else "")
        if len(text) > 62:
            report.line(text)
        report.row(text if len(text) <= 62 else name, [f"{row['gap'][limit]:.4%}" for limit in limits] +
                   [f"{row['reach']:.4g}", f"{row['target99']:.4g}", f"{row['hits']}/{row['seeds']}"])
        if name != "ours":
            for limit in limits:
                report.figure(instance.name, f"gap at {limit:g} s, {text}", table["ours"]["gap"][limit],
                              row["gap"][limit])
            report.figure(instance.name, f"seconds to best known, median, {text}", table["ours"]["reach"], row["reach"])
            report.figure(instance.name, f"seconds to best known, 99 %, {text}", table["ours"]["target99"],
                          row["target99"])
    promises(instance, table, limits, report)
