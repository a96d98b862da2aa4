"""Slow float64 twins of the diagnostics: loops over samples, written from the definitions."""

import itertools
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


def covariance(features):
    x = np.asarray(features, np.float64)
    mean = sum(x) / len(x)
    return sum(np.outer(row - mean, row - mean) for row in x) / (len(x) - 1)


def covariance_eigenvalues(features):
    values = sorted(np.linalg.eigvalsh(covariance(features)), reverse=True)
    return values[: min(np.shape(features))]


def entropy_rank(weights, epsilon=0.0):
    total = sum(weights)
    shares = [weight / total + epsilon for weight in weights]
    return math.exp(-sum(p * math.log(p) for p in shares if p > 0))


def rank_me(features):
    s = np.linalg.svd(np.asarray(features, np.float64), compute_uv=False)
    return entropy_rank(s, 1e-7)


def participation_ratio(features):
    values = covariance_eigenvalues(features)
    return sum(values) ** 2 / sum(value**2 for value in values)


def stable_rank(features):
    values = covariance_eigenvalues(features)
    return sum(values) / values[0]


def alpha_req(features):
    values = [v for v in covariance_eigenvalues(features) if v > 1e-12 * np.square(features).sum()]
    slope, _ = np.polyfit(np.log(np.arange(1, len(values) + 1)), np.log(values), 1)
    return -slope


def dead_dimensions(features, threshold=0.03):
    stds = std_per_dimension(features)
    return sum(std * math.sqrt(len(stds)) < threshold for std in stds) / len(stds)


def pairwise_cosines(features):
    x = np.asarray(features, np.float64)
    return sorted(cosine(x[i], x[j]) for i in range(len(x)) for j in range(i))


def covariance_off_diagonal(features):
    c = covariance(features)
    width = len(c)
    return sum(c[i, j] ** 2 for i in range(width) for j in range(width) if i != j) / width


def correlation_off_diagonal(features):
    c = covariance(features)
    width = len(c)
    pairs = [(i, j) for i in range(width) for j in range(width) if i != j]
    squares = [c[i, j] ** 2 / (c[i, i] * c[j, j]) for i, j in pairs]
    return math.sqrt(sum(squares) / len(squares))


def variance_hinge(features):
    variances = np.diag(covariance(features))
    return sum(max(0.0, 1.0 - math.sqrt(v + 1e-4)) for v in variances) / len(variances)


def lidar(views, delta=1e-4):
    z = np.asarray(views, np.float64)
    means = [sum(image) / len(image) for image in z]
    mean = sum(means) / len(means)
    between = sum(np.outer(m - mean, m - mean) for m in means) / len(means)
    within = delta * np.eye(z.shape[2])
    for m, image in zip(means, z, strict=True):
        for row in image:
            within = within + np.outer(row - m, row - m) / (z.shape[0] * z.shape[1])
    values, axes = np.linalg.eigh(within)
    root = axes @ np.diag(values**-0.5) @ axes.T
    spectrum = np.linalg.eigvalsh(root @ between @ root)
    return entropy_rank([value for value in spectrum if value > 1e-10 * max(spectrum)])


def alignment(a, b):
    pairs = [(unit(u), unit(v)) for u, v in zip(a, b, strict=True)]
    return sum(sum((x - y) ** 2 for x, y in zip(u, v, strict=True)) for u, v in pairs) / len(pairs)


def uniformity(features):
    rows = [np.array(unit(row)) for row in features]
    pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
    mean = sum(math.exp(-2 * sum((rows[i] - rows[j]) ** 2)) for i, j in pairs) / len(pairs)
    return math.log(mean)


def linear_cka(x, y):
    """The HSIC form, with centred N x N kernels, whatever the shapes."""
    n = len(x)
    centring = np.eye(n) - np.ones((n, n)) / n
    k, m = (centring @ (v @ v.T) @ centring for v in (np.float64(x), np.float64(y)))
    return np.trace(k @ m) / math.sqrt(np.trace(k @ k) * np.trace(m @ m))


def gram(features):
    return [[cosine(a, b) for b in features] for a in features]


def sigreg(features, directions):
    x = np.asarray(features, np.float64)
    nodes = np.linspace(-3, 3, 33)
    statistics = []
    for direction in np.asarray(directions, np.float64).T:
        projected = x @ np.array(unit(direction))
        integrand = []
        for t in nodes:
            empirical = sum(np.exp(1j * t * value) for value in projected) / len(projected)
            normal = math.exp(-t * t / 2)
            integrand.append(abs(empirical - normal) ** 2 * normal)
        statistics.append(len(x) * np.trapezoid(integrand, nodes))
    return sum(statistics) / len(statistics)


def intrinsic_dimension(features):
    x = np.asarray(features, np.float64)
    ratios = []
    for i, row in enumerate(x):
        nearest, second = sorted(math.dist(row, x[j]) for j in range(len(x)) if j != i)[:2]
        ratios.append(second / nearest)
    ratios.sort()
    kept = int(0.9 * len(ratios))
    points = [
        (math.log(mu), -math.log(1 - (i + 1) / len(ratios))) for i, mu in enumerate(ratios[:kept])
    ]
    return sum(a * b for a, b in points) / sum(a * a for a, _ in points)


def filter_lengths(weight):
    return [
        math.sqrt(sum(float(value) ** 2 for value in row.ravel()))
        for row in np.asarray(weight, np.float64)
    ]


def moments(tensors):
    """Mean magnitude, largest, deviation, norm and count of what is not finite."""
    values = [float(value) for x in tensors for value in np.ravel(x)]
    mean = sum(values) / len(values)
    return (
        sum(abs(value) for value in values) / len(values),
        max(abs(value) for value in values),
        math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)),
        math.sqrt(sum(value**2 for value in values)),
        sum(not math.isfinite(value) for value in values),
    )


def length(tensors):
    return math.sqrt(sum(float(value) ** 2 for x in tensors for value in np.ravel(x)))


def signal_to_noise(window):
    signal = noise = 0.0
    for column in np.asarray(window, np.float64).T:
        mean = sum(column) / len(column)
        signal += mean**2
        noise += sum((value - mean) ** 2 for value in column) / (len(column) - 1)
    return math.sqrt(signal / noise)


def agreement(predictions, targets, weights):
    rows = [(p, t, w) for p, t, w in zip(predictions, targets, weights, strict=True) if w]
    total = sum(w for *_, w in rows)
    cosines = [cosine(p, t) for p, t, _ in rows]
    mean = sum(w * c for (*_, w), c in zip(rows, cosines, strict=True)) / total
    variance = sum(w * (c - mean) ** 2 for (*_, w), c in zip(rows, cosines, strict=True)) / total
    center = sum(w * t for _, t, w in rows) / total
    error = sum(w * length([p - t]) ** 2 for p, t, w in rows)
    spread = sum(w * length([t - center]) ** 2 for _, t, w in rows)
    return mean, math.sqrt(variance), min(cosines), max(cosines), error / spread


def theil_sen(steps, values):
    slopes = [
        (values[i] - values[j]) / (steps[i] - steps[j]) for i in range(len(steps)) for j in range(i)
    ]
    return 1000 * float(np.median(slopes))


def feature_statistics(features):
    values = [float(value) for value in np.ravel(features)]
    mean = sum(values) / len(values)
    std = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return (
        mean,
        std,
        min(values),
        max(values),
        sum(length([row]) for row in features) / len(features),
    )


def gram_distance(a, b):
    return length([np.float64(a) - b]) / (length([a]) + length([b]))


def contributions(losses, weights):
    parts = [float(loss) * float(weight) for loss, weight in zip(losses, weights, strict=True)]
    return [100 * part / sum(parts) for part in parts]


def layer_ratios(norms):
    return [float(deep) / float(shallow) for shallow, deep in itertools.pairwise(norms)]


def clipping_ratio(before, after):
    return [float(b) / float(a) for a, b in zip(before, after, strict=True)]


def share_clipped(ratios):
    return sum(ratio < 1 for ratio in ratios) / len(ratios)


def times_masked(masks):
    return sum(np.asarray(mask, np.float64) for mask in masks)


def agreement_by_position(cosines, scored):
    _, rows, columns = np.shape(cosines)
    means = np.full((rows, columns), math.nan)
    for i, j in np.ndindex(rows, columns):
        found = [c[i, j] for c, counts in zip(cosines, scored, strict=True) if counts[i, j]]
        if found:
            means[i, j] = sum(map(float, found)) / len(found)
    return means


def hardest_and_easiest(cosines, scored, k):
    places = [place for place, counts in enumerate(np.ravel(scored)) if counts]
    rising = sorted(places, key=lambda place: np.ravel(cosines)[place])
    missing = [-1] * k
    return (rising + missing)[:k], (rising[::-1] + missing)[:k]


def seen_before(hashes, history):
    known, seen = set(history), []
    for one in hashes:
        seen.append(one in known)
        known.add(one)
    return seen


def share_unchanged(hashes, before):
    neighbours = [one == other for one, other in zip(hashes[1:], hashes, strict=False)]
    places = [one == other for one, other in zip(hashes, before, strict=False)]
    shares = [sum(same) / len(same) for same in (neighbours, places) if same]
    return max(shares, default=0.0)


def middle(values):
    ordered = sorted(map(float, values))
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def loss_spike(values):
    return max(map(float, values)) / middle(values)


def smoothness(values):
    return feature_std(np.reshape(values, (-1, 1)))


def spike_score(value, window):
    center = middle(window)
    return (value - center) / (1.482602218505602 * middle(abs(x - center) for x in window))


def blocks(mask):
    """Area and aspect of each region of patches that touch by an edge, in raster order."""
    rows, columns = mask.shape
    left, found = {tuple(place) for place in np.argwhere(mask).tolist()}, []
    while left:
        block, edge = set(), [min(left)]
        while edge:
            i, j = edge.pop()
            if (i, j) in left:
                left.remove((i, j))
                block.add((i, j))
                edge += [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        heights, widths = {i for i, _ in block}, {j for _, j in block}
        height = max(heights) - min(heights) + 1
        found.append((len(block) / (rows * columns), height / (max(widths) - min(widths) + 1)))
    return found


def block_overlap(masks):
    times = sum(np.asarray(mask, int) for mask in masks)
    return overlap(times > 1, times > 0) if times.any() else math.nan
