#!/usr/bin/env python3
"""Prints the polynomials of kernels/math_float.h and kernels/gamma.h; needs numpy and mpmath. Takes two minutes.

Each polynomial sum_k c_k t(x)^k makes max |weight(x) (target(x) - sum_k c_k t(x)^k)| small on an interval: weighted
least squares on Chebyshev points, the weights sharpened where the error is large (Lawson's iteration), in 60 digits.
The lowest coefficient is rounded to float and fixed, the others are fitted again, and so on, so that the later
coefficients make up for the rounding of the earlier ones.
"""

import numpy as np
from mpmath import (atanh, cos, digamma, exp, expm1, findroot, floor, log, log1p, loggamma, lu_solve, matrix, mp, mpf,
                    pi, sin, sqrt, tanh)

mp.dps = 60
POINTS = 80
ROUNDS = 15


def chebyshev_points(low, high):
    return [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / POINTS) for i in range(POINTS)]


def fit(values, weights, basis):
    """The coefficients, one per column of `basis`."""
    count = len(basis[0])
    importance = [mpf(1)] * len(values)
    best = None
    for _ in range(ROUNDS):
        normal = matrix(count, count)
        right = matrix(count, 1)
        for s, v, w, b in zip(importance, values, weights, basis):
            for i in range(count):
                right[i] += s * w * w * v * b[i]
                for j in range(count):
                    normal[i, j] += s * w * w * b[i] * b[j]
        c = list(lu_solve(normal, right))
        errors = [abs(w * (v - sum(x * y for x, y in zip(c, b)))) for v, w, b in zip(values, weights, basis)]
        worst = max(errors)
        if best is None or worst < best[0]:
            best = (worst, c)
        importance = [s * (e / worst + mpf(1) / 1000) for s, e in zip(importance, errors)]
        total = sum(importance)
        importance = [s / total for s in importance]
    return best[1]


def show(name, target, weight, low, high, degree, t=lambda x: x * x, fixed=(), rounding=np.float32):
    points = chebyshev_points(mpf(low), mpf(high))
    weights = [weight(x) for x in points]
    done = list(fixed)
    while len(done) <= degree:
        rest = [target(x) - sum(mpf(c) * t(x) ** k for k, c in enumerate(done)) for x in points]
        basis = [[t(x) ** k for k in range(len(done), degree + 1)] for x in points]
        done.append(float(rounding(float(fit(rest, weights, basis)[0]))))
    error = max(abs(w * (target(x) - sum(mpf(c) * t(x) ** k for k, c in enumerate(done)))) for x, w in zip(points, weights))
    print(f"{name}, error 2^{float(log(error, 2)):.1f}")
    for k, c in enumerate(done):
        print(f"  t^{k}  {c.hex()}", flush=True)


def show_parts(name, value, bits, count):
    print(f"{name}, in parts of {bits} bits")
    for i in range(1, count + 1):
        part = floor(value * mpf(2) ** (bits * i)) / mpf(2) ** (bits * i)
        print(f"  {float(part).hex()}", flush=True)
        value -= part


def main():
    half_log_two = log(mpf(2)) / 2 * (1 + mpf(1) / 2000)
    near_zero = mpf(1) / 1000
    show("exp_series: e^r = 1 + r + r^2 p(r)", lambda r: (expm1(r) - r) / r**2, lambda r: r**2 / exp(r),
         -half_log_two, half_log_two, 4, t=lambda r: r)
    show("log_series: log(1 + f) = f + f^2 p(f)", lambda f: (log1p(f) - f) / f**2, lambda f: f**2 / log1p(f),
         sqrt(mpf(1) / 2) - 1 - mpf(1) / 10**4, sqrt(mpf(2)) - 1 + mpf(1) / 10**4, 9, t=lambda f: f, fixed=[-0.5])
    show("tanh: x + x^3 p(x^2)", lambda x: (tanh(x) - x) / x**3, lambda x: x**3 / tanh(x), near_zero, mpf("0.92"), 6)
    show("sincospi: sin(pi x) = x (pi + x^2 p(x^2))", lambda x: (sin(pi * x) / x - pi) / x**2,
         lambda x: x**3 / sin(pi * x), near_zero, mpf(1) / 4, 3)
    show("sincospi: cos(pi x) = 1 + x^2 q(x^2)", lambda x: (cos(pi * x) - 1) / x**2, lambda x: x**2 / cos(pi * x),
         near_zero, mpf(1) / 4, 3)
    quarter_pi = pi / 4 * (1 + mpf(1) / 1000)
    show("sine_shifted: sin r = r + r^3 p(r^2), double", lambda r: (sin(r) - r) / r**3, lambda r: r**3 / sin(r),
         near_zero, quarter_pi, 3, rounding=float)
    show("sine_shifted: cos r = 1 + r^2 q(r^2), double", lambda r: (cos(r) - 1) / r**2, lambda r: r**2 / cos(r),
         near_zero, quarter_pi, 3, rounding=float)
    with mp.workdps(100):
        show_parts("quarter_turns: 2 / pi", 2 / pi, 26, 8)

    largest = (3 - 2 * sqrt(mpf(2))) * (1 + mpf(1) / 10**4)
    show("logarithm: 2 atanh(s) = 2 s + s^3 p(s^2), double", lambda s: (2 * atanh(s) - 2 * s) / s**3,
         lambda s: s**3 / (2 * atanh(s)), near_zero, largest, 6, rounding=float)
    show("log_gamma_between_zeros: (x - 1) (x - 2) p(x - 3/2), double", lambda x: loggamma(x) / ((x - 1) * (x - 2)),
         lambda x: (x - 1) * (x - 2) / loggamma(x), 1, 2, 12, t=lambda x: x - mpf(3) / 2, rounding=float)
    zero = findroot(digamma, mpf("1.46"))
    print("digamma's zero:", float(zero).hex(), "+", float(zero - mpf(float(zero))).hex())
    show("digamma_around_zero: (x - zero) p(x - 3/2), double", lambda x: digamma(x) / (x - zero),
         lambda x: (x - zero) / digamma(x), 1, 2, 12, t=lambda x: x - mpf(3) / 2, rounding=float)


main()
