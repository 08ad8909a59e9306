# SPDX-License-Identifier: MIT
"""The least ctypes that the bench needs: a plan from text, prepared calls, and loop.c to time them."""
import ctypes
import os
import subprocess

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
P, I32, I64, F64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_double


class Error(ctypes.Structure):
    _fields_ = [("status", I32), ("message", ctypes.c_char * 508)]


class Batch(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("tokens", I64), ("logits", P), ("row_stride", I64), ("dtype", I32),
                ("reserved", I32), ("token_mask", P), ("bias", P)]


class Statistics(ctypes.Structure):
    _fields_ = ([("size", ctypes.c_size_t)]
                + [(name, I64) for name in "tokens routes dropped not_finite capacity greedy_overflow price_overflow "
                   "greedy_max_load max_load active_experts device_touches price_sweeps repair_paths".split()]
                + [(name, F64) for name in "affinity greedy_affinity energy lower_bound gap".split()])


class Table(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t)] + [(name, P) for name in
                "ids weights counts offsets sorted positions prices statistics".split()]


class Call(ctypes.Structure):
    _fields_ = [("workspace", P), ("batch", P), ("table", P), ("ids", P)]


def sized(structure, **fields):
    return structure(size=ctypes.sizeof(structure), **fields)


class Library:
    """libspinroute, and loop.c built beside the results."""

    def __init__(self, path, directory):
        self.spr = ctypes.CDLL(os.path.abspath(path))
        for name in "spr_version_text", "spr_status_name":
            getattr(self.spr, name).restype = ctypes.c_char_p
        loop = os.path.join(os.path.abspath(directory), "bench_loop.so")
        subprocess.run([*os.environ.get("CC", "cc").split(), "-O2", "-shared", "-fPIC", "-I", HERE + "/../../include",
                        HERE + "/loop.c", "-o", loop], check=True)
        self.loop = ctypes.CDLL(loop).bench_loop
        self.loop.argtypes = [P, P, P, I64, I64, I64, P, P]
        self.route = ctypes.cast(self.spr.spr_route, P)
        self.select = ctypes.cast(self.spr.spr_select, P)
        self.version = self.spr.spr_version_text().decode()
        self.error = Error()

    def check(self, status):
        if status < 0:
            raise RuntimeError(f"{self.spr.spr_status_name(I32(status)).decode()}: {self.error.message.decode()}")
        return status

    def call(self, name, *arguments):
        return self.check(getattr(self.spr, name)(*arguments, ctypes.byref(self.error)))


class Plan:
    """A sealed plan from text: preset, then "name=value ..."."""

    def __init__(self, library, options, preset=None):
        self.library, self.handle = library, P()
        library.call("spr_plan_new", None, None, ctypes.byref(self.handle))
        if preset:
            library.call("spr_plan_set_preset", self.handle, preset.encode())
        for option in options.split():
            name, value = option.split("=")
            library.call("spr_plan_set_text", self.handle, name.encode(), value.encode())
        library.call("spr_plan_seal", self.handle)

    def capacity(self, tokens):
        value = I64()
        self.library.call("spr_plan_capacity", self.handle, I64(tokens), ctypes.byref(value))
        return value.value

    def workspace(self, tokens):
        handle = P()
        self.library.call("spr_workspace_new", self.handle, I64(tokens), None, None, ctypes.byref(handle))
        return handle


class Calls:
    """Prepared calls, one per input, with one workspace per stream and own outputs each; see inputs.py.

    what is "select" (ids only) or "route" (every array of the table, and the statistics)."""

    def __init__(self, plan, inputs, k, what):
        self.library, self.plan = plan.library, plan
        tokens, experts = inputs[0][1].shape
        self.workspaces = {stream: plan.workspace(tokens) for stream, _ in inputs}
        self.batches, self.tables, self.statistics, self.arrays = [], [], [], []
        self.calls = (Call * len(inputs))()
        for i, (stream, logits) in enumerate(inputs):
            assert logits.dtype == np.float32 and logits.flags.c_contiguous
            a = {"ids": np.zeros((tokens, k), np.int32)}
            self.batches.append(sized(Batch, tokens=tokens, logits=logits.ctypes.data))
            self.calls[i].workspace = self.workspaces[stream]
            self.calls[i].batch = ctypes.addressof(self.batches[i])
            if what == "select":
                self.calls[i].ids = a["ids"].ctypes.data
            else:
                a.update(weights=np.zeros((tokens, k), np.float32), counts=np.zeros(experts, np.int32),
                         offsets=np.zeros(experts + 1, np.int32), sorted=np.zeros(tokens * k, np.int32),
                         positions=np.zeros((tokens, k), np.int32), prices=np.zeros(experts, np.float32))
                self.statistics.append(sized(Statistics))
                self.tables.append(sized(Table, statistics=ctypes.addressof(self.statistics[i]),
                                         **{name: array.ctypes.data for name, array in a.items()}))
                self.calls[i].table = ctypes.addressof(self.tables[i])
            self.arrays.append(a)
        self.inputs = inputs                            # keeps the logits alive

    def run(self, first, n):
        """Makes n calls from input first on; returns their nanoseconds."""
        nanoseconds = np.zeros(n, np.int64)
        library = self.library
        library.check(library.loop(library.route, library.select, self.calls, len(self.inputs), first, n,
                                   nanoseconds.ctypes.data, ctypes.byref(library.error)))
        return nanoseconds

    def certify(self, on):
        """Ask for the statistics (with the bound) in later calls, or not."""
        for table, statistics in zip(self.tables, self.statistics):
            table.statistics = ctypes.addressof(statistics) if on else None

    def scores(self, i):
        """The affinity of input i as the library sees it (spr_scores), float32 [T,E]."""
        stream, logits = self.inputs[i]
        scores = np.zeros_like(logits)
        self.library.call("spr_scores", self.workspaces[stream], ctypes.byref(self.batches[i]), P(scores.ctypes.data))
        return scores

    def close(self):
        for workspace in self.workspaces.values():
            self.library.spr.spr_workspace_free(workspace)
        self.library.spr.spr_plan_free(self.plan.handle)
