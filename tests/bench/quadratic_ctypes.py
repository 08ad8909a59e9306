# SPDX-License-Identifier: MIT
"""ctypes for the quadratic terms: the grown structs of spinroute.h, prepared calls with them, and lower.h."""
import ctypes
from ctypes import byref

import numpy as np

from spinroute_ctypes import F64, I32, I64, Batch, Calls, P, Plan, Statistics, sized


class QuadraticBatch(Batch):
    _fields_ = [(name, P) for name in "resident activation previous".split()]


class QuadraticStatistics(Statistics):
    _fields_ = ([(name, I64) for name in "node_touches max_active limit_excess changed moves".split()]
                + [("start_energy", F64)])


class LowerSettings(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t)] + [(name, I64) for name in
                "candidates kernelise most_variables most_couplings constraints".split()]


class LowerReport(ctypes.Structure):
    _fields_ = ([("size", ctypes.c_size_t)]
                + [(name, I64) for name in "variables couplings assignments actives devices nodes slacks fixed_zero "
                   "fixed_one pruned".split()]
                + [(name, F64) for name in "known bound smallest_weight largest_weight".split()])


class QuadraticCalls(Calls):
    """Calls of spr_route with statistics of the quadratic terms."""

    def __init__(self, library, options, inputs, k):
        super().__init__(Plan(library, options), inputs, k, "route")
        tokens = inputs[0][1].shape[0]
        self.batches = [sized(QuadraticBatch, tokens=tokens, logits=logits.ctypes.data) for _, logits in inputs]
        self.statistics = [sized(QuadraticStatistics) for _ in inputs]
        for i, (batch, table) in enumerate(zip(self.batches, self.tables)):
            self.calls[i].batch = ctypes.addressof(batch)
            self.calls[i].table = ctypes.addressof(table)
        self.certify(True)

    def ids(self, i):
        return self.arrays[i]["ids"].astype(np.int64)


def has_lowering(library):
    return hasattr(library.spr, "spr_lower")


class Lowering:
    """The QUBO of one batch of prepared calls; the known table is the one the calls have routed."""

    def __init__(self, calls, i, **settings):
        self.library, self.handle = calls.library, P()
        spr = self.library.spr
        spr.spr_lowering_problem.restype = P
        spr.spr_lowering_problem.argtypes = [P]
        spr.spr_lowering_free.argtypes = [P]
        self.shape = calls.arrays[i]["ids"].shape
        self.library.call("spr_lower", calls.workspaces[calls.inputs[i][0]], byref(calls.batches[i]),
                          P(calls.arrays[i]["ids"].ctypes.data), byref(sized(LowerSettings, **settings)), None, None,
                          byref(self.handle))
        self.problem = P(spr.spr_lowering_problem(self.handle))
        self.report = sized(LowerReport)
        self.library.call("spr_lowering_report", self.handle, byref(self.report))

    def read(self):
        """(linear [n], rows, columns, values [couplings], offset) of the QUBO, form 0."""
        n, couplings, offset = I64(), I64(), F64()
        self.library.call("spr_problem_size", self.problem, byref(n), byref(couplings))
        linear, values = np.zeros(n.value), np.zeros(couplings.value)
        rows, columns = np.zeros(couplings.value, np.int32), np.zeros(couplings.value, np.int32)
        self.library.call("spr_problem_read", self.problem, I32(0), *(P(a.ctypes.data) for a in
                          (linear, rows, columns, values)), byref(offset))
        return linear, rows, columns, values, offset.value

    def energy(self, bits):
        energy = F64()
        self.library.call("spr_problem_energy", self.problem, P(bits.ctypes.data), byref(energy))
        return energy.value

    def encode(self, ids):
        """State of a table [T,k], with the best auxiliary bits."""
        ids = np.ascontiguousarray(ids, np.int32)
        bits = np.zeros(self.report.variables, np.uint8)
        self.library.call("spr_lowering_encode", self.handle, P(ids.ctypes.data), P(bits.ctypes.data))
        return bits

    def decode(self, bits):
        """(table, H of it, routes repaired)."""
        bits = np.ascontiguousarray(bits, np.uint8)
        ids, energy, repairs = np.zeros(self.shape, np.int32), F64(), I64()
        self.library.call("spr_lowering_decode", self.handle, P(bits.ctypes.data), P(ids.ctypes.data), byref(energy),
                          byref(repairs))
        return ids.astype(np.int64), energy.value, repairs.value

    def close(self):
        self.library.spr.spr_lowering_free(self.handle)
