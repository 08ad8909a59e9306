# SPDX-License-Identifier: MIT
"""Samplers from PyPI behind one face: dwave-samplers (simulated annealing, tabu, tree) and OpenJij, one thread each.

Annealers have no time limit: they make reads, one after another, until the time is over, and only reads that ended
before it count. To favour the peers, their cores are called directly, so that no time is spent in building models or
sample sets, and what a core does before its first sweep (copying the couplings) is measured and taken off its time.
Their energies are computed here, with the clock stopped. Every run ends early when it reaches `target`.

A run returns a trace: [(seconds, energy)], better and better.
"""
import heapq
import time

import numpy as np
import openjij
import openjij.cxxjij as cxxjij
from openjij.sampler.sa_sampler import geometric_ising_beta_schedule
import dimod
from dwave.samplers import TreeDecompositionSolver
from dwave.samplers.sa.sampler import _default_ising_beta_range
from dwave.samplers.sa.simulated_annealing import simulated_annealing
from dwave.samplers.tabu.tabu_search import TabuSearch
from scipy.sparse import csr_matrix

MOST_STATES = 1 << 22           # bytes of states handed to one call
WIDEST_TREE = 22                # tables of 2^width numbers


class Model:
    """An instance as NumPy arrays, QUBO and Ising, and its energy."""

    def __init__(self, instance):
        self.n, self.offset = instance.n, instance.offset
        self.linear = np.array(instance.linear)
        self.rows, self.columns = np.array(instance.rows, np.int32), np.array(instance.columns, np.int32)
        self.values = np.array(instance.values)
        self.density = instance.density()
        # s = 2x - 1: the couplings are a quarter, the fields half of the linear part and a quarter of each coupling.
        self.j = self.values / 4.0
        self.h = self.linear / 2.0
        np.add.at(self.h, self.rows, self.j)
        np.add.at(self.h, self.columns, self.j)
        upper = csr_matrix((self.values, (self.rows, self.columns)), shape=(self.n, self.n))
        self.upper = upper
        self.dense = upper.toarray() if self.density > 0.3 and self.n <= 3000 else None
        self.kept = {}          # what peers need to make only once

    def once(self, name, make):
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def energy(self, bits):
        x = np.asarray(bits, np.float64)
        pairs = self.dense @ x if self.dense is not None else self.upper @ x
        return float(self.offset + self.linear @ x + x @ pairs)

    def beta_range(self):
        """The default of dwave-samplers for this problem, (hot, cold), without its Python loop over dictionaries where
        a NumPy form says the same."""
        if len(self.rows) < 100000:
            return tuple(float(b) for b in _default_ising_beta_range(
                dict(enumerate(self.h)), dict(zip(zip(self.rows.tolist(), self.columns.tolist()), self.j))))
        size, least = np.abs(self.h), np.where(self.h != 0, np.abs(self.h), np.inf)
        for ends in self.rows, self.columns:
            size += np.bincount(ends, np.abs(self.j), self.n)
            np.minimum.at(least, ends, np.abs(self.j))
        least = least[np.isfinite(least)]
        return (float(np.log(2) / (2 * size.max())),
                float(np.log((least == least.min()).sum() / 0.01) / (2 * least.min())))


class Clock:
    """Seconds since the start; may be stopped while energies are computed."""

    def __init__(self, credit=0.0):
        self.start, self.stopped = time.perf_counter(), 0.0
        self.credit = credit

    def now(self):
        return max(0.0, time.perf_counter() - self.start - self.stopped - self.credit)

    def exclude(self, since):
        self.stopped += time.perf_counter() - since


def note(trace, seconds, energy, limit):
    """Adds a read that ended in time; says whether it was better."""
    if seconds <= limit and (not trace or energy < trace[-1][1]):
        trace.append((seconds, energy))


class DwaveAnnealing:
    """dwave-samplers, simulated annealing. A setting: sweeps, and what the default temperatures are multiplied by."""
    name, version = "dwave-sa", "dwave-samplers"
    tunable = True

    def __init__(self, model, hot=1.0, cold=1.0, sweeps=1000):
        self.model = model
        first, last = model.once("beta range", model.beta_range)
        self.prepare(np.geomspace(first * hot, max(last * cold, first * hot), sweeps))

    def prepare(self, betas):
        model, self.betas = self.model, betas
        self.problem = (model.h, model.rows, model.columns, model.j)
        self.setup = model.once("dwave setup", self.cost)

    def cost(self):
        """Processor seconds of a call with one sweep: what is done before the annealing."""
        times = []
        for _ in range(3):
            states = np.ones((1, self.model.n), np.int8)
            start = time.process_time()
            simulated_annealing(1, *self.problem, 1, self.betas[-1:], 1, states)
            times.append(time.process_time() - start)
        return min(times)

    def reads(self, count, seed):
        """Processor seconds that many reads take."""
        states = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (count, self.model.n))
        start = time.process_time()
        simulated_annealing(count, *self.problem, 1, self.betas, seed + 1, states)
        return max(1e-9, time.process_time() - start - self.setup)

    def run(self, seed, limit, target):
        trace, model, call = [], self.model, 0
        most = max(1, min(100000, MOST_STATES // model.n))
        used = 0.0
        while used < limit and not (trace and trace[-1][1] <= target):
            random = np.random.default_rng([seed, call])
            states = random.choice(np.array([-1, 1], np.int8), (most, model.n))
            done, clock = 0, Clock(self.setup - used)

            def between():
                nonlocal done
                since = time.perf_counter()
                now = clock.now()
                note(trace, now, model.energy(states[done] > 0), limit)
                done += 1
                clock.exclude(since)
                return now >= limit or trace[-1:] and trace[-1][1] <= target

            simulated_annealing(most, *self.problem, 1, self.betas, (seed << 20) + call + 1, states,
                                interrupt_function=lambda: bool(between()))
            used, call = clock.now(), call + 1
        return trace


class OpenjijAnnealing:
    """OpenJij, SASampler: its graphs, its schedule, its single spin flip."""
    name, version = "openjij-sa", "openjij"
    tunable = True

    def __init__(self, model, hot=1.0, cold=1.0, sweeps=1000, dense=False, base="own"):
        self.model = model
        self.graph = model.once(("openjij graph", dense), lambda: self.make_graph(dense))
        if base == "own":
            state = np.random.get_state()
            _, (last, first) = geometric_ising_beta_schedule(self.graph, num_sweeps=sweeps, seed=1)
            np.random.set_state(state)
        else:
            first, last = model.once("beta range", model.beta_range)
        self.schedule, _ = geometric_ising_beta_schedule(self.graph, beta_min=first * hot,
                                                         beta_max=max(last * cold, first * hot), num_sweeps=sweeps)
        self.system = cxxjij.system.make_classical_ising(self.graph.gen_spin(1), self.graph)

    def make_graph(self, dense):
        """As its models hand it over: the upper triangle, the last column the fields, the last entry 1."""
        model, n = self.model, self.model.n
        rows = np.concatenate([model.rows, np.arange(n), [n]])
        columns = np.concatenate([model.columns, np.full(n, n), [n]])
        matrix = csr_matrix((np.concatenate([model.j, model.h, [1.0]]), (rows, columns)), shape=(n + 1, n + 1))
        if not dense:
            return cxxjij.graph.CSRSparse(matrix)
        graph = cxxjij.graph.Dense(n)
        graph.set_interaction_matrix(matrix.toarray())
        return graph

    def run(self, seed, limit, target):
        trace, clock, read = [], Clock(), 0
        while clock.now() < limit and not (trace and trace[-1][1] <= target):
            number = (seed * 1000003 + read) % (1 << 31)
            self.system.reset_spins(self.graph.gen_spin(number))
            cxxjij.algorithm.Algorithm_SingleSpinFlip_run(self.system, number, self.schedule)
            spins = cxxjij.result.get_solution(self.system)
            now, since = clock.now(), time.perf_counter()
            note(trace, now, self.model.energy(np.asarray(spins) > 0), limit)
            clock.exclude(since)
            read += 1
        return trace


class DwaveTabu:
    """dwave-samplers, tabu with its defaults: it has a time limit, and ends at a threshold. It tells its best at the end
    only, so it runs once per limit that is asked for; its setup of the dense matrix is inside its constructor and is
    measured with a limit of zero."""
    name, version = "dwave-tabu", "dwave-samplers"
    tunable = False

    def __init__(self, model):
        self.model, n = model, model.n
        matrix = np.zeros((n, n))
        matrix[model.rows, model.columns] = model.values / 2.0
        matrix += matrix.T
        matrix[np.arange(n), np.arange(n)] = model.linear
        self.matrix, self.tenure = matrix, min(20, n // 4)
        start = time.perf_counter()
        TabuSearch(matrix, np.zeros(n, np.int32), self.tenure, 0, 0, 1, None, 0, 0, 0)
        self.setup = time.perf_counter() - start

    def run(self, seed, limit, target):
        n = self.model.n
        start = np.random.default_rng(seed).integers(0, 2, n).astype(np.int32)
        clock = Clock(self.setup)
        threshold = target - self.model.offset if np.isfinite(target) else None
        search = TabuSearch(self.matrix, start, self.tenure, int(1000 * limit), 1000000, seed, threshold)
        now, trace = clock.now(), []
        energy = self.model.energy(search.bestSolution())
        # Its limit is its own: what it ran over, and what its setup took longer than when it was measured, is forgiven.
        note(trace, min(now, limit), energy, limit)
        return trace


class DwaveTree:
    """dwave-samplers, exact by tree decomposition, where the treewidth allows. Includes its conversion of the model."""
    name, version = "dwave-tree", "dwave-samplers"
    tunable = False

    def __init__(self, model):
        self.model = model
        self.bqm = dimod.BQM.from_numpy_vectors(model.linear, (model.rows, model.columns, model.values), model.offset,
                                                "BINARY")

    @staticmethod
    def applies(model):
        """Whether elimination by least degree stays narrow enough."""
        if len(model.rows) > 4 * model.n or model.n > 20000:
            return False
        near = [set() for _ in range(model.n)]
        for i, j in zip(model.rows.tolist(), model.columns.tolist()):
            near[i].add(j)
            near[j].add(i)
        heap = [(len(others), i) for i, others in enumerate(near)]
        heapq.heapify(heap)
        while heap:
            degree, i = heapq.heappop(heap)
            if near[i] is None or len(near[i]) != degree:
                continue
            if degree > WIDEST_TREE:
                return False
            others, near[i] = near[i], None
            for j in others:
                near[j] |= others
                near[j] -= {i, j}
                heapq.heappush(heap, (len(near[j]), j))
        return True

    def run(self, seed, limit, target):
        start = time.perf_counter()
        answer = TreeDecompositionSolver().sample(self.bqm)
        trace = []
        note(trace, time.perf_counter() - start, float(answer.first.energy), limit)
        return trace


# --------------------------------------------------------------------------------------------------------------- tuning

# What the hot and the cold end of the default inverse temperatures of dwave-samplers are multiplied by: (60, 1) starts at
# a sixtieth of its temperature. The defaults of OpenJij start too cold to be the middle of a grid: it is tuned over the
# same temperatures, and its own.
FACTORS = {"full": [(hot, cold) for hot in (60.0, 20.0, 5.0, 1.0) for cold in (1.0, 0.2, 0.05, 0.02)],
           "quick": [(hot, cold) for hot in (60.0, 20.0) for cold in (1.0, 0.05)] + [(1.0, 1.0)]}
SWEEPS = {"full": (100, 300, 1000, 3000, 10000), "quick": (100, 1000, 3000)}
TUNING_SEED = 999331            # none of those that are measured


def worth(trace, target):
    """How good a run was: its energy, then how early. Smaller is better."""
    if not trace:
        return (np.inf, np.inf)
    return (max(trace[-1][1], target), trace[-1][0])


def tune(peer, model, target, seconds, grid, limits):
    """The best settings of a grid on one seed, [one per limit]: temperatures at 1000 sweeps (`seconds` each, or the time of
    a read and a half where that is longer), then the number of sweeps that is best at each limit. Settings that do not
    get as far as one read are last."""
    fixed = {}
    if peer is OpenjijAnnealing:
        fixed["base"] = "dwave"
        if model.density > 0.1:
            fixed["dense"] = openjij_seconds(model, True) < openjij_seconds(model, False)
    start = time.perf_counter()
    peer(model, hot=20.0, sweeps=100, **fixed).run(TUNING_SEED, 1e-9, target)
    read = min(10.0 if grid == "full" else 1.0, 15.0 * (time.perf_counter() - start))
    seconds = max(seconds, read)

    def attempt(limit, setting):
        return peer(model, **setting).run(TUNING_SEED, limit, target)

    settings = [dict(hot=hot, cold=cold, sweeps=1000, **fixed) for hot, cold in FACTORS[grid]]
    if "base" in fixed:
        settings.append(dict(fixed, hot=1.0, cold=1.0, sweeps=1000, base="own"))
    best = min(settings, key=lambda setting: worth(attempt(seconds, setting), target))
    traces = [(dict(best, sweeps=sweeps), attempt(max(limits), dict(best, sweeps=sweeps))) for sweeps in SWEEPS[grid]]
    return [min(traces, key=lambda pair: worth([point for point in pair[1] if point[0] <= limit], target))[0]
            for limit in limits]


def openjij_seconds(model, dense):
    """Of a few sweeps on one of its graphs."""
    sampler = OpenjijAnnealing(model, sweeps=20, dense=dense, base="dwave")
    start = time.perf_counter()
    cxxjij.algorithm.Algorithm_SingleSpinFlip_run(sampler.system, 1, sampler.schedule)
    return time.perf_counter() - start


def describe(settings, limits):
    texts = [describe_one(setting) for setting in settings]
    if len(set(texts)) == 1:
        return texts[0]
    return "; ".join(f"{limit:g} s: {text}" for limit, text in zip(limits, texts))


def describe_one(setting):
    words = {"hot": "hot x{:g}", "cold": "cold x{:g}", "sweeps": "{:g} sweeps", "dense": "dense={:g}", "base": "of {}"}
    return ", ".join(words[name].format(value) for name, value in setting.items())
