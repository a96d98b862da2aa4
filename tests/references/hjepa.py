"""Slow float64 twins of the H-JEPA parts: one image, one cell, one head at a time."""

import math

import numpy as np


def pack(mask):
    """Chosen numbers of each row, rows filled up with 0, and which slots are real."""
    chosen = [[number for number, value in enumerate(row) if value] for row in mask]
    longest = max(len(row) for row in chosen)
    index = [row + [0] * (longest - len(row)) for row in chosen]
    valid = [[slot < len(row) for slot in range(longest)] for row in chosen]
    return index, valid


def sincos(rows, columns, width):
    table = []
    for row in range(rows):
        for column in range(columns):
            entry = []
            for place in (row, column):
                angles = [place / 10_000 ** (4 * k / width) for k in range(width // 4)]
                entry += [math.sin(angle) for angle in angles]
                entry += [math.cos(angle) for angle in angles]
            table.append(entry)
    return np.array(table)


def embed_patches(images, weight, bias):
    """Each patch, in raster order, times the kernel."""
    size = weight.shape[-1]
    tokens = []
    for image in images:
        tokens.append([])
        for top in range(0, image.shape[1], size):
            for left in range(0, image.shape[2], size):
                patch = image[:, top : top + size, left : left + size]
                tokens[-1].append([(kernel * patch).sum() for kernel in weight] + bias)
    return np.array(tokens)


def layer_norm(row, weight=1.0, bias=0.0, eps=1e-6):
    centred = row - row.mean()
    return centred / math.sqrt((centred**2).mean() + eps) * weight + bias


def gelu(row):
    return np.array([0.5 * value * (1 + math.erf(value / math.sqrt(2))) for value in row])


def block(tokens, state, num_heads):
    """A pre-norm transformer block on the tokens of one image."""
    state = {name: np.asarray(value, np.float64) for name, value in state.items()}
    width = tokens.shape[1]
    size = width // num_heads
    qkv = [
        state["qkv.weight"] @ layer_norm(token, state["norm1.weight"], state["norm1.bias"])
        + state["qkv.bias"]
        for token in tokens
    ]
    mixed = []
    for asking in qkv:
        heads = []
        for head in range(num_heads):
            part = slice(head * size, (head + 1) * size)
            scores = [asking[:width][part] @ kv[width : 2 * width][part] for kv in qkv]
            shares = np.exp(np.array(scores) / math.sqrt(size))
            values = np.array([kv[2 * width :][part] for kv in qkv])
            heads.append(shares @ values / shares.sum())
        mixed.append(np.concatenate(heads))
    out = []
    for token, attended in zip(tokens, mixed, strict=True):
        middle = token + state["proj.weight"] @ attended + state["proj.bias"]
        hidden = layer_norm(middle, state["norm2.weight"], state["norm2.bias"])
        hidden = gelu(state["mlp.0.weight"] @ hidden + state["mlp.0.bias"])
        out.append(middle + state["mlp.2.weight"] @ hidden + state["mlp.2.bias"])
    return np.array(out)


def cells(size, stride):
    """Rows and columns of the patches of each cell of a level, cell by cell."""
    (rows, columns), (down, across) = size, stride
    for row in range(rows // down):
        for column in range(columns // across):
            yield (
                (row, column),
                [(row * down + i, column * across + j) for i in range(down) for j in range(across)],
            )


def pool(features, stride):
    num, rows, columns, width = features.shape
    out = np.zeros((num, rows // stride[0], columns // stride[1], width))
    for image in range(num):
        for cell, patches in cells((rows, columns), stride):
            out[image][cell] = sum(
                features[image][patch].astype(np.float64) for patch in patches
            ) / len(patches)
    return out


def whole_cells(mask, stride):
    num, rows, columns = mask.shape
    out = np.zeros((num, rows // stride[0], columns // stride[1]), bool)
    for image in range(num):
        for cell, patches in cells((rows, columns), stride):
            out[image][cell] = all(mask[image][patch] for patch in patches)
    return out


def pyramid(predicted, target, strides, laterals):
    """Each level: a linear map of the mean over its asked patches, plus the cell above."""
    num, rows, columns, width = predicted.shape
    levels = []
    for stride, (weight, bias) in reversed(list(zip(strides, laterals, strict=True))):
        out = np.zeros((num, rows // stride[0], columns // stride[1], width))
        for image in range(num):
            for (row, column), patches in cells((rows, columns), stride):
                asked = [patch for patch in patches if target[image][patch]]
                mean = sum((predicted[image][patch] for patch in asked), np.zeros(width))
                out[image][row, column] = weight @ (mean / max(len(asked), 1)) + bias
                if levels:
                    above = levels[0][1]
                    down = above[0] // stride[0], above[1] // stride[1]
                    parent = levels[0][0][image][row // down[0], column // down[1]]
                    out[image][row, column] += parent
        levels.insert(0, (out, stride))
    return [out for out, _ in levels]


def normalize_targets(target, norm):
    target = np.asarray(target, np.float64)
    out = np.zeros_like(target)
    if norm == "token":
        for place in np.ndindex(target.shape[:3]):
            out[place] = layer_norm(target[place], eps=1e-5)
    elif norm == "feature":
        for feature in range(target.shape[-1]):
            out[..., feature] = layer_norm(target[..., feature].ravel(), eps=1e-5).reshape(
                target.shape[:3]
            )
    else:
        out = target
    return out


def distance(kind, prediction, target):
    if kind == "cosine":
        lengths = math.hypot(*prediction) * math.hypot(*target)
        return 1 - sum(p * t for p, t in zip(prediction, target, strict=True)) / lengths
    gaps = [abs(p - t) for p, t in zip(prediction, target, strict=True)]
    if kind == "mse":
        return sum(gap**2 for gap in gaps) / len(gaps)
    return sum(gap**2 / 2 if gap < 1 else gap - 0.5 for gap in gaps) / len(gaps)


def level_loss(kind, prediction, target, scored):
    """Mean distance over the scored cells, given targets that are already standardised."""
    distances = [
        distance(kind, prediction[place], target[place])
        for place in np.ndindex(scored.shape)
        if scored[place]
    ]
    return sum(distances) / len(distances) if distances else 0.0
