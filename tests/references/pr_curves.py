"""Precision and recall, counted example by example in float64."""

from __future__ import annotations

from collections.abc import Sequence


def pr_curve(
    labels: Sequence[bool], scores: Sequence[float], num_thresholds: int, weights: Sequence[float]
) -> list[list[float]]:
    rows: list[list[float]] = [[] for _ in range(6)]
    for index in range(num_thresholds):
        threshold = index / (num_thresholds - 1)
        tp = fp = tn = fn = 0.0
        for label, score, weight in zip(labels, scores, weights, strict=True):
            if score >= threshold:
                tp, fp = (tp + weight, fp) if label else (tp, fp + weight)
            else:
                tn, fn = (tn, fn + weight) if label else (tn + weight, fn)
        precision = tp / (tp + fp) if tp + fp else 0.0
        recall = tp / (tp + fn) if tp + fn else 0.0
        for row, number in zip(rows, (tp, fp, tn, fn, precision, recall), strict=True):
            row.append(number)
    return rows
