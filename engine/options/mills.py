"""The ratio of the normal distribution to its density, without cancellation.

``mills(z) = N(z) / n(z) = sqrt(pi / 2) erfcx(-z / sqrt 2)``. ``erfcx`` is W. J. Cody's
rational Chebyshev approximation ("Rational Chebyshev approximations for the error
function", Math. Comp. 23, 1969; netlib specfun ``CALERF``, public domain).
"""

from __future__ import annotations

from math import erfc, exp

from engine.kernels import njit

_ROOT_HALF = 0.7071067811865476
_ROOT_HALF_PI = 1.2533141373155003
_INVERSE_ROOT_PI = 0.5641895835477563


@njit(cache=True, error_model="numpy")
def erfcx(x: float) -> float:
    """Return ``exp(x^2) erfc(x)``; relative error of a few 1e-16 for x > -1."""
    if x < 0.46875:
        return exp(x * x) * erfc(x)
    if x <= 4.0:
        num = 2.15311535474403846343e-8 * x + 5.64188496988670089180e-1
        num = num * x + 8.88314979438837594118
        num = num * x + 6.61191906371416294775e1
        num = num * x + 2.98635138197400131132e2
        num = num * x + 8.81952221241769090411e2
        num = num * x + 1.71204761263407058314e3
        num = num * x + 2.05107837782607146532e3
        num = num * x + 1.23033935479799725272e3
        den = x + 1.57449261107098347253e1
        den = den * x + 1.17693950891312499305e2
        den = den * x + 5.37181101862009857509e2
        den = den * x + 1.62138957456669018874e3
        den = den * x + 3.29079923573345962678e3
        den = den * x + 4.36261909014324715820e3
        den = den * x + 3.43936767414372163696e3
        den = den * x + 1.23033935480374942043e3
        return num / den
    y = 1.0 / (x * x)
    num = 1.63153871373020978498e-2 * y + 3.05326634961232344035e-1
    num = num * y + 3.60344899949804439429e-1
    num = num * y + 1.25781726111229246204e-1
    num = num * y + 1.60837851487422766278e-2
    num = num * y + 6.58749161529837803157e-4
    den = y + 2.56852019228982242072
    den = den * y + 1.87295284992346725209
    den = den * y + 5.27905102951428412248e-1
    den = den * y + 6.05183413124413191178e-2
    den = den * y + 2.33520497626869185443e-3
    return (_INVERSE_ROOT_PI - y * num / den) / x


@njit(cache=True, error_model="numpy")
def mills(z: float) -> float:
    """Return ``N(z) / n(z)`` for z below about 1.4."""
    return _ROOT_HALF_PI * erfcx(-z * _ROOT_HALF)


@njit(cache=True, error_model="numpy")
def mills_difference(h: float, t: float) -> float:
    """Return ``mills(h + t) - mills(h - t)`` for h <= 0 and t >= 0.

    For small t the difference is summed as its odd Taylor series at h, whose terms come
    from ``Y' = 1 + h Y`` and ``Y^(n+1) = h Y^(n) + n Y^(n-1)``.
    """
    if t > 0.05:
        return mills(h + t) - mills(h - t)
    y0 = mills(h)
    y1 = 1.0 + h * y0
    y2 = h * y1 + y0
    y3 = h * y2 + 2.0 * y1
    y4 = h * y3 + 3.0 * y2
    y5 = h * y4 + 4.0 * y3
    y6 = h * y5 + 5.0 * y4
    y7 = h * y6 + 6.0 * y5
    y8 = h * y7 + 7.0 * y6
    y9 = h * y8 + 8.0 * y7
    u = t * t
    return 2.0 * t * (y1 + u * (y3 / 6.0 + u * (y5 / 120.0 + u * (y7 / 5040.0 + u * y9 / 362880.0))))
