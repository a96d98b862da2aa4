"""Finds the numbers of many tags at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORD_BITS = 64
SMALLEST = 10  # bits of a place in the smallest table
EMPTY = -1


class TagTable:
    """Numbers of tags, by the words of the records that hold them.

    A hash table of which all lookups of a batch take each step together. What is found is compared
    word by word: two tags are never taken for each other.

    Args:
        is_tag: uint64 array of shape (w,): the bits of a tag in its words.
    """

    def __init__(self, is_tag: NDArray[np.uint64]) -> None:
        self._is_tag = is_tag
        odd = np.random.default_rng(0).integers(0, 1 << 63, len(is_tag), np.uint64)
        self._factors = odd << np.uint64(1) | np.uint64(1)
        self._words_WT = np.empty((len(is_tag), 0), np.uint64)
        self._numbers = np.empty(0, np.int32)
        self._grow(SMALLEST)

    def find(self, words_WN: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Numbers of tags.

        Args:
            words_WN: uint64 array of shape (w, n): the words of each record that hold its tag.

        Returns:
            int32 array of shape (n,); -1 for a tag that is not in the table.
        """
        tags_WN = words_WN & self._is_tag[:, None]
        place = self._hashes(tags_WN)
        numbers = np.full(words_WN.shape[1], EMPTY, np.int32)
        open_ = np.arange(words_WN.shape[1])
        while len(open_):
            entry = self._table[place]
            is_free = entry == EMPTY
            differs = np.zeros(len(open_), np.uint64)
            for word, stored in zip(tags_WN, self._words_WT, strict=True):
                differs |= word[open_] ^ stored[entry] if stored.size else np.uint64(1)
            is_found = ~is_free & (differs == 0)
            numbers[open_[is_found]] = self._numbers[entry[is_found]]
            goes_on = ~(is_free | is_found)
            open_, place = open_[goes_on], (place[goes_on] + 1) % len(self._table)
        return numbers

    def add(self, words_WN: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
        """Add tags that are not in the table, and differ from each other.

        Args:
            words_WN: uint64 array of shape (w, n): their words.
            numbers: int32 array of shape (n,): their numbers.
        """
        first = len(self._numbers)
        tags_WN = words_WN & self._is_tag[:, None]
        self._words_WT = np.concatenate([self._words_WT, tags_WN], axis=1)
        self._numbers = np.concatenate([self._numbers, numbers])
        if 3 * len(self._numbers) > len(self._table):
            self._grow((6 * len(self._numbers)).bit_length())
        else:
            self._insert(np.arange(first, len(self._numbers)))

    def _grow(self, bits: int) -> None:
        self._shift = np.uint64(WORD_BITS - bits)
        self._table = np.full(1 << bits, EMPTY, np.int32)
        self._insert(np.arange(len(self._numbers)))

    def _insert(self, entries: NDArray[np.int64]) -> None:
        place = self._hashes(self._words_WT[:, entries])
        while len(entries):
            is_free = self._table[place] == EMPTY
            self._table[place[is_free]] = entries[is_free]  # of several, the last one stays
            goes_on = self._table[place] != entries
            entries, place = entries[goes_on], place[goes_on]
            place = (place + 1) % len(self._table)

    def _hashes(self, tags_WN: NDArray[np.uint64]) -> NDArray[np.int64]:
        mixed = np.zeros(tags_WN.shape[1], np.uint64)
        for word, factor in zip(tags_WN, self._factors, strict=True):
            mixed = (mixed ^ word) * factor
            mixed ^= mixed >> np.uint64(32)
        return (mixed * self._factors[0] >> self._shift).astype(np.int64)
