"""Slow float64 twins of the diagnostics: loops over samples, written from the definitions."""

import math

import numpy as np


def effective_rank(features):
    x = np.asarray(features, np.float64)
    centred = x - x.mean(axis=0)
    s = np.linalg.svd(centred, compute_uv=False)
    s = s[s > 1e-12 * np.linalg.norm(x)]
    if s.size == 0:
        return 0.0
    p = s / s.sum()
    return math.exp(-sum(value * math.log(value) for value in p))


def unit(row):
    length = math.sqrt(sum(float(value) ** 2 for value in row))
    return [float(value) / length if length else 0.0 for value in row]


def cosine(a, b):
    return sum(x * y for x, y in zip(unit(a), unit(b), strict=True))


def std_per_dimension(features):
    rows = [unit(row) for row in np.asarray(features, np.float64)]
    stds = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        stds.append(math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)))
    return stds


def feature_std(features):
    stds = []
    for column in np.asarray(features, np.float64).T:
        mean = sum(column) / len(column)
        stds.append(math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)))
    return sum(stds) / len(stds)


def pairwise_similarity(features):
    x = np.asarray(features, np.float64)
    pairs = [cosine(x[i], x[j]) for i in range(len(x)) for j in range(i)]
    return sum(pairs) / len(pairs), max(pairs)


def overlap(part, whole):
    both = total = 0
    for selected, counted in zip(np.ravel(part), np.ravel(whole), strict=True):
        total += bool(counted)
        both += bool(selected) and bool(counted)
    return both / total


def repeated_frac(masks):
    seen, repeats = set(), 0
    for mask in masks:
        key = tuple(np.ravel(mask).tolist())
        repeats += key in seen
        seen.add(key)
    return repeats / len(masks)


def coverage(masks):
    counts = np.zeros(np.shape(masks)[1:])
    for mask in masks:
        counts = counts + np.asarray(mask, np.float64)
    return counts.min() / counts.max()


def line(steps, values):
    """Slope of the line through points, and its error, wider where residuals have a memory."""
    n = len(steps)
    mean_x = sum(map(float, steps)) / n
    mean_y = sum(map(float, values)) / n
    squares = sum((x - mean_x) ** 2 for x in steps)
    products = ((x - mean_x) * (y - mean_y) for x, y in zip(steps, values, strict=True))
    slope = sum(products) / squares
    r = [y - mean_y - slope * (x - mean_x) for x, y in zip(steps, values, strict=True)]
    remainder = sum(one**2 for one in r)
    memory = sum(a * b for a, b in zip(r[1:], r[:-1], strict=True)) / remainder
    memory = min(max(memory, 0.0), 0.99)
    variance = remainder / (n - 2) / squares * (1 + memory) / (1 - memory)
    return float(slope), math.sqrt(variance)
