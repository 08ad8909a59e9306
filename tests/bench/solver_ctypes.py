# SPDX-License-Identifier: MIT
"""Problems and solvers of libspinroute by ctypes, in the standard library alone."""
import ctypes
import os
import time
from ctypes import byref

P, I32, I64, F64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_double
PROGRESS = ctypes.CFUNCTYPE(I32, P, I64, F64, F64)
OUTCOMES = "none optimal target finished work time cancelled failed".split()
OPTION_NAME = "SPR_ERROR_OPTION_NAME"


class Error(ctypes.Structure):
    _fields_ = [("status", I32), ("message", ctypes.c_char * 508)]


class Result(ctypes.Structure):
    _fields_ = ([("size", ctypes.c_size_t)] + [(name, I64) for name in "outcome work offers samples seed".split()]
                + [(name, F64) for name in "energy lower_bound seconds".split()])


class OptionInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("choices", ctypes.c_char_p), ("description", ctypes.c_char_p),
                ("minimum", F64), ("maximum", F64), ("default", F64), ("type", I32), ("unused", I32)]


class Refused(RuntimeError):
    """A status below zero; .status is its name."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


def address(values):
    """Address of the numbers of an array.array, NULL when there are none."""
    return P(values.buffer_info()[0] if len(values) else None)


class Library:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.spr = ctypes.CDLL(self.path)
        for name in "spr_version_text", "spr_status_name", "spr_solver_backend":
            getattr(self.spr, name).restype = ctypes.c_char_p
        self.error = Error()

    def call(self, name, *arguments):
        status = getattr(self.spr, name)(*arguments, byref(self.error))
        if status < 0:
            raise Refused(self.spr.spr_status_name(I32(status)).decode(), self.error.message.decode())
        return status

    def backends(self):
        names = []
        for index in range(self.spr.spr_registry_count(None)):
            name = ctypes.c_char_p()
            self.call("spr_registry_get_info", None, I32(index), byref(name), None, None)
            names.append(name.value.decode())
        return names


class Problem:
    """From an Instance of instances.py: read by the library from the text where it knows the format, else by entries."""

    def __init__(self, library, instance, entries=False):
        self.library, self.handle, self.n, self.format = library, P(), instance.n, None
        if instance.text and not entries:
            text = instance.text.encode("ascii")
            try:
                library.call("spr_problem_from_text", None, None, instance.format.encode(), text,
                             ctypes.c_size_t(len(text)), byref(self.handle))
                self.format = instance.format
                return
            except Refused as refused:
                if refused.status != OPTION_NAME:
                    raise
        library.call("spr_problem_from_entries", None, None, I32(0), I64(instance.n), address(instance.linear),
                     I64(len(instance.rows)), address(instance.rows), address(instance.columns),
                     address(instance.values), F64(instance.offset), byref(self.handle))

    def energy(self, bits):
        value = F64()
        self.library.call("spr_problem_energy", self.handle, (ctypes.c_uint8 * self.n)(*bits), byref(value))
        return value.value

    def close(self):
        self.library.spr.spr_problem_free(self.handle)
        self.handle = None


class Solver:
    """A solver with options given as text."""

    def __init__(self, problem, backend="auto", **options):
        self.library, self.handle, self.problem = problem.library, P(), problem
        self.library.call("spr_solver_new", None, None, None, backend.encode(), problem.handle, byref(self.handle))
        for name, value in options.items():
            self.library.call("spr_solver_set_text", self.handle, name.encode(), str(value).encode())

    def backend(self):
        return self.library.spr.spr_solver_backend(self.handle).decode()

    def options(self):
        """Names of all options."""
        names, info = [], OptionInfo()
        for index in range(self.library.spr.spr_solver_option_count(self.handle)):
            self.library.call("spr_solver_option_get_info", self.handle, I32(index), byref(info))
            names.append(info.name.decode())
        return names

    def solve(self, trace=None, start=None):
        """The result. trace, a list, receives (seconds since start or this call, energy) whenever the energy gets
        better."""
        result = Result(size=ctypes.sizeof(Result))
        start, last = time.perf_counter() if start is None else start, [float("inf")]

        def progress(user, work, energy, seconds):
            if energy < last[0]:
                last[0] = energy
                trace.append((time.perf_counter() - start, energy))
            return 0

        callback = PROGRESS(progress)
        if trace is not None:
            self.library.call("spr_solver_set_progress", self.handle, callback, None)
        self.library.call("spr_solver_solve", self.handle, byref(result))
        if trace is not None and result.energy < last[0]:
            trace.append((time.perf_counter() - start, result.energy))
        return result

    def sample(self):
        """Bits of the best sample."""
        bits = (ctypes.c_uint8 * self.problem.n)()
        self.library.call("spr_solver_get_sample", self.handle, I64(0), bits, None, None)
        return bytes(bits)

    def close(self):
        self.library.spr.spr_solver_free(self.handle)
        self.handle = None
