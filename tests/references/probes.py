"""A slow float64 twin of the kNN probe: one test row, one neighbour at a time."""

import math


def knn_accuracy(train_x, train_y, test_x, test_y, *, k, temperature):
    num_correct = 0
    for row, label in zip(test_x.tolist(), test_y.tolist(), strict=True):
        similarities = [
            (_cosine(row, other), index) for index, other in enumerate(train_x.tolist())
        ]
        votes: dict[int, float] = {}
        for similarity, index in sorted(similarities, reverse=True)[:k]:
            neighbour = int(train_y[index])
            votes[neighbour] = votes.get(neighbour, 0.0) + math.exp(similarity / temperature)
        num_correct += max(votes, key=lambda name: votes[name]) == label
    return num_correct / len(test_y)


def _cosine(one, other):
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0
