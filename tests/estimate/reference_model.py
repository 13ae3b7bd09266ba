"""The hierarchical model again, as short as can be: a specification to compare with, in numpy alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln as lg

Array = NDArray[np.float64]
GRID = np.exp(np.linspace(np.log(0.15), np.log(60), 13))
EASE = np.linspace(-5, 5, 11)
FLAVOUR = np.linspace(-2, 2, 5)
NORMAL = np.exp(-(FLAVOUR**2) / 2) / np.exp(-(FLAVOUR**2) / 2).sum()
DESIGN = np.array([[1, b, u] for u in FLAVOUR for b in EASE])
SD = np.array([2, 0.5, 0.5])


def beta_binomial(c, n, m, s):
    return lg(m * s + c) - lg(m * s) + lg((1 - m) * s + n - c) - lg((1 - m) * s) - lg(s + n) + lg(s)


def curve(a, d, horizon):
    k = np.arange(horizon + 1)
    a, d = a[..., None], d[..., None]
    return np.exp(lg(d + k) - lg(d) - lg(a + d + k) + lg(a + d))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def first_taste(n, c, p):
    residuals = (c - n * p) / np.sqrt(np.maximum(n * p * (1 - p) * (1 + (n - 1) / 3), 0.05))
    vector = np.linalg.svd(residuals, full_matrices=False)[0][:, 0]
    return 0.5 * np.clip(vector * np.sign((vector**3).sum()) * np.sqrt(len(n)), -2, 2)


def fit(n, c):
    """Every cell on its own, shape (S, P, G): slow and plain."""
    count, width = n.shape
    eps = min(0.15, 4 / width)
    n, c = n[..., None].astype(float), c[..., None].astype(float)
    easy = (c.sum(0) + 0.5) / (n.sum(0) + 1)
    easy = np.clip(np.log(easy / (1 - easy)), -4, 4)
    middle = easy.mean()
    marginal = (c.sum(1) + 0.5) / (n.sum(1) + 1)
    logits = np.log(marginal / (1 - marginal))
    taste = first_taste(n[..., 0], c[..., 0], sigmoid(logits + easy[:, 0] - middle))
    theta = np.concatenate([1.2 * logits - middle, np.ones((count, 1)), taste[:, None]], 1)
    s = np.full(count, 2.0)
    share = np.array([weight * np.exp(-0.5 * ((b - middle) / 2) ** 2) for weight in NORMAL for b in EASE])
    share /= share.sum()
    insured = np.log(eps) + beta_binomial(c, n, marginal[:, None], 1.0)
    for turn in range(17):
        m = np.clip(sigmoid(theta @ DESIGN.T), 1e-4, 1 - 1e-4)
        regular = np.log(1 - eps) + beta_binomial(c, n, m[:, None], s[:, None, None])
        either = np.logaddexp(regular, insured)
        follows = np.exp(regular - either)
        r = np.log(share) + either.sum(0)
        r = np.exp(r - r.max(1, keepdims=True))
        r /= r.sum(1, keepdims=True)
        if turn == 16:
            break
        ease = (r.sum(0).reshape(5, 11).sum(0) + 1 / 11) / (width + 1)
        share = np.concatenate([weight * ease for weight in NORMAL])
        mass = r * follows
        effective = mass / (1 + (n - 1) / (s[:, None, None] + 1))
        drawn, passed = (effective * n).sum(1), (effective * c).sum(1)
        for _ in range(2):
            p = sigmoid(theta @ DESIGN.T)
            gradient = (passed - drawn * p) @ DESIGN - (theta - [theta[:, 0].mean(), 1, 0]) / SD**2
            hessian = np.einsum("ig,gp,gq->ipq", drawn * p * (1 - p), DESIGN, DESIGN) + np.diag(1 / SD**2)
            theta = theta + np.clip(np.linalg.solve(hessian, gradient[..., None])[..., 0], -0.5, 0.5)
            theta[:, 1] = np.clip(theta[:, 1], 0.2, 4)
            theta[:, 2] = np.clip(theta[:, 2], -2, 2)
        if turn % 4 == 3:
            m = np.clip(sigmoid(theta @ DESIGN.T), 1e-4, 1 - 1e-4)
            fits = np.stack([(beta_binomial(c, n, m[:, None], v) * mass).sum((1, 2)) for v in GRID], 1)
            grid = np.log(GRID)
            common = grid[(fits.sum(0) - 0.5 * (grid - np.log(2)) ** 2).argmax()]
            s = GRID[(fits - 0.5 * ((grid - common) / 0.5) ** 2).argmax(1)]
    return m, s, share, r, follows, marginal[:, 0], eps


def tables(n, c, horizon, alpha=100.0):
    """Log-failure of every row, shape (R, S, horizon + 1): problems, then fresh ones; and weights."""
    m, s, share, r, follows, marginal, eps = fit(n, c)
    count, width = n.shape
    table = np.empty((width, count, horizon + 1))
    for i in range(count):
        passes, fails = c[i][:, None], (n[i] - c[i])[:, None]
        regular = curve(m[i] * s[i] + passes, (1 - m[i]) * s[i] + fails, horizon)
        insured = curve(marginal[i] + passes, 1 - marginal[i] + fails, horizon)
        cell = follows[i][..., None] * regular + (1 - follows[i])[..., None] * insured
        table[:, i] = np.einsum("jg,jgk->jk", r, cell)
    common = share > 1e-4
    fresh = (1 - eps) * curve(m[:, common] * s[:, None], (1 - m[:, common]) * s[:, None], horizon)
    fresh = fresh + eps * curve(marginal, 1 - marginal, horizon)[:, None]
    part = alpha / (width + alpha)
    weights = [np.full(width, (1 - part) / width), part * share[common] / share[common].sum()]
    table = np.concatenate([table, fresh.transpose(1, 0, 2)])
    return np.log(np.maximum(table, 1e-30)), np.concatenate(weights)


def plan(table, weights, budget, caps):
    """Greedy, then the best single exchange while one gains."""
    rows, count, width = table.shape
    each = np.arange(count)
    x, total = np.zeros(count, int), np.zeros(rows)

    def after():
        return np.exp(table[:, each, np.minimum(x + 1, width - 1)] - table[:, each, x])

    def move(i, by):
        nonlocal total
        total = total + table[:, i, x[i] + by] - table[:, i, x[i]]
        x[i] += by

    for _ in range(budget):
        failure = (weights * np.exp(total)) @ after()
        failure[x >= caps] = np.inf
        move(failure.argmin(), 1)
    while True:
        drawn = np.flatnonzero(x)
        without = np.exp(total[:, None] - table[:, drawn, x[drawn]] + table[:, drawn, x[drawn] - 1])
        failure = (without * weights[:, None]).T @ after()
        failure[:, x >= caps] = np.inf
        failure[np.arange(len(drawn)), drawn] = np.inf
        best = failure.argmin()
        if failure.flat[best] >= weights @ np.exp(total) - 1e-9:
            return x
        move(drawn[best // count], -1)
        move(best % count, 1)
