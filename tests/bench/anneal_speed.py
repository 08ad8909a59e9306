# SPDX-License-Identifier: MIT
"""Spin-update attempts per second, one thread: ours beside dwave-samplers at the same temperatures, and our kernels beside
each other. Attempts are reads x sweeps x n, so equal temperatures are needed: they set how many are accepted. Both see
energies of the same scale (the Ising form has those of the QUBO), so a temperature T is beta = 1/T there. Ours and the
peer take turns; the figures are medians, by processor time, which others on the machine disturb less. What the peer does before
its first sweep is not counted; ours counts the whole call."""
import statistics
import time

import numpy as np

import anneal_peers
import solver_ctypes

# Instance: temperatures, hot to cold, in units of the energy; what ours must reach, times the peer.
CASES = {"bqp1000.1": (600, 20, 4), "uniform-2500-100-2500": (1000, 30, 4), "K2000": (14, 2, 10), "p3000.1": (600, 100, 10),
         "G22": (1.2, 0.25, 20), "G55": (1.2, 0.25, 20), "G1": (3, 0.5, None), "G43": (1.5, 0.3, None)}
# Where the shared files are not at hand.
STANDINS = {"bqp1000.1": "uniform-1000-100-1000", "K2000": "complete-2000-20001", "G22": "random-2000-19990-22",
            "G55": "random-5000-12498-55", "G1": "random-800-19176-1", "G43": "random-1000-9990-43"}
SWEEPS = 1000
LEAST = 0.3                     # seconds of a run
KERNELS = {"avx2": 0.45, "portable": 0.15}      # of avx512, what they must reach
LANES = 64                      # replicas that the sparse layout moves at once


class Ours:
    def __init__(self, problem, hot, cold, kernel="auto"):
        self.problem = problem
        self.options = dict(method="anneal", schedule="geometric", hot=hot, cold=cold, sweeps=SWEEPS, samples=1,
                            presolve="off", kernel=kernel)

    def work(self, count):
        """Units that so many anneals count for: the sparse layout makes up to 64 of them at once."""
        solver = solver_ctypes.Solver(self.problem, "anneal", seed=1, reads=count, **self.options)
        result = solver.solve()
        solver.close()
        return result.work

    def reads(self, count, seed):
        """(processor seconds, attempts) of that many anneals."""
        solver = solver_ctypes.Solver(self.problem, "anneal", seed=seed, reads=count, **self.options)
        start = time.process_time()
        result = solver.solve()
        seconds = time.process_time() - start
        solver.close()
        parts = -(-self.problem.n // (1 << 14))
        # Sweeps by the counted work: of one replica, or of 64 at once. What is more than asked for, as a last descent, is
        # not counted as attempts.
        if not result.work >= SWEEPS * parts * -(-count // LANES):
            raise RuntimeError(f"{result.work} units of work for {count} anneals: the attempts cannot be counted")
        return seconds, count * SWEEPS * self.problem.n

    def enough(self):
        """Reads that take the least time."""
        count = LANES if self.work(2) < 2 * SWEEPS else 1
        seconds, _ = self.reads(count, 1)
        return count * max(1, int(np.ceil(LEAST / max(seconds, 1e-6))))


def kernels(library, problem):
    """Kernels that run here, fastest first."""
    found = []
    for kernel in "avx512", "neon", "avx2", "portable":
        try:
            solver = solver_ctypes.Solver(problem, "anneal", kernel=kernel, method="anneal", work=1, reads=1)
            solver.solve()
            solver.close()
            found.append(kernel)
        except solver_ctypes.Refused:
            pass
    return found


def run(library, shelf, report, rounds, only):
    if "anneal" not in library.backends():
        report.note("throughput: skipped, the library has no backend \"anneal\"")
        return
    for name, (hot, cold, least) in CASES.items():
        if only and not any(word in name for word in only):
            continue
        instance = shelf.get(name) or shelf.get(STANDINS[name])
        if instance.name != name:
            report.note(f"{name}: skipped, no such file; {instance.name} instead")
        case(library, instance, hot, cold, least if instance.name == name else None, report, rounds)


def case(library, instance, hot, cold, least, report, rounds):
    problem = solver_ctypes.Problem(library, instance)
    model = anneal_peers.Model(instance)
    peer = anneal_peers.DwaveAnnealing(model)
    peer.prepare(np.geomspace(1.0 / hot, 1.0 / cold, SWEEPS))
    once = peer.reads(1, 1)
    peer_reads = max(1, int(np.ceil(LEAST / once)))
    names = kernels(library, problem)
    ours = {kernel: Ours(problem, hot, cold, kernel) for kernel in ["auto"] + names}
    reads = {kernel: sampler.enough() for kernel, sampler in ours.items()}
    rates = {kernel: [] for kernel in ["peer"] + list(ours)}
    for seed in range(1, rounds + 1):
        for kernel, sampler in ours.items():
            seconds, attempts = sampler.reads(reads[kernel], seed)
            rates[kernel].append(attempts / seconds)
            if kernel == "auto":
                rates["peer"].append(peer_reads * SWEEPS * model.n / peer.reads(peer_reads, seed))
    problem.close()
    medians = {kernel: statistics.median(values) for kernel, values in rates.items()}
    report.head(f"{instance.name}, T {hot:g}..{cold:g}: attempts per second", ["ours", "other", "ratio"])

    def line(what, mine, other, need, name):
        ratio = medians[mine] / medians[other]
        report.row(what, [f"{medians[mine]:.3g}", f"{medians[other]:.3g}", f"{ratio:.2f}"])
        report.figure(instance.name, "attempts per second, " + what, medians[mine], medians[other])
        if need:
            report.promise(ratio >= need, f"{instance.name}: {name} at least {need:g}x", f"{ratio:.2f}x")

    line("auto beside dwave-samplers SA", "auto", "peer", least, "attempts per second of dwave-samplers SA")
    for kernel in names[1:]:
        line(f"{kernel} beside {names[0]}", kernel, names[0], KERNELS.get(kernel) if names[0] == "avx512" else None,
             f"kernel {kernel} beside {names[0]}")
