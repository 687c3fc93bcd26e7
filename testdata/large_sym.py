#!/usr/bin/env python3
"""Writes a large Breakpad symbol file: the functions of a small one again and again, each time at
other addresses, under other names and in other files. Records stand in the order in which dump_syms
writes them.

usage: large_sym.py SMALL.sym MEGABYTES LARGE.sym [--shuffle]

With --shuffle the functions of each copy stand before those of the copy before."""
import sys


def moved(words, first, step, by):
    """`words` with every `step`th address from the one at `first` on moved by `by`."""
    for at in range(first, len(words), step):
        words[at] = b"%x" % (int(words[at], 16) + by)
    return b" ".join(words)


def numbers(records):
    return 1 + max((int(words[1]) for words in records), default=-1)


class Small:
    def __init__(self, path):
        self.head, self.files, self.origins, self.functions, self.publics, self.stack = ([] for _ in range(6))
        kinds = {b"FILE": self.files, b"INLINE_ORIGIN": self.origins, b"PUBLIC": self.publics, b"STACK": self.stack,
                 b"MODULE": self.head, b"INFO": self.head}
        with open(path, "rb") as lines:
            for line in lines:
                words = line.rstrip(b"\n").split(b" ")
                kinds.get(words[0], self.functions).append(words)
        starts = [int(words[2 if words[1] == b"m" else 1], 16) for words in self.functions if words[0] == b"FUNC"]
        self.file_count, self.origin_count = numbers(self.files), numbers(self.origins)
        self.span = (max(starts) + 0xfffff) & ~0xffff

    def function(self, words, copy):
        by, files, origins = copy * self.span, copy * self.file_count, copy * self.origin_count
        words = list(words)
        if words[0] == b"FUNC":
            at = 2 if words[1] == b"m" else 1
            return moved(words[:at + 1], at, 9, by) + b" " + b" ".join(words[at + 1:]) + b"_%d" % copy
        if words[0] == b"INLINE":
            words[3] = b"%d" % (int(words[3]) + files)
            words[4] = b"%d" % (int(words[4]) + origins)
            return moved(words, 5, 2, by)
        words[3] = b"%d" % (int(words[3]) + files)
        return moved(words, 0, 9, by)

    def stacked(self, words, copy):
        words = list(words)
        at = 3 if words[2] == b"INIT" else 2
        words[at] = b"%x" % (int(words[at], 16) + copy * self.span)
        return b" ".join(words)


def write(small, copies, out, shuffle):
    put = lambda line: out.write(line + b"\n")
    for words in small.head:
        put(b" ".join(words))
    tables = ((b"FILE", small.files, small.file_count), (b"INLINE_ORIGIN", small.origins, small.origin_count))
    for kind, records, count in tables:
        for copy in range(copies):
            for words in records:
                number = b"%d" % (int(words[1]) + copy * count)
                put(b" ".join([kind, number, *words[2:]]) + b"_%d" % copy)
    for copy in reversed(range(copies)) if shuffle else range(copies):
        for words in small.functions:
            put(small.function(words, copy))
    for copy in range(copies):
        for words in small.publics:
            at = 2 if words[1] == b"m" else 1
            put(moved(list(words[:at + 1]), at, 9, copy * small.span) + b" " + b" ".join(words[at + 1:]) + b"_%d" % copy)
    for copy in range(copies):
        for words in small.stack:
            put(small.stacked(words, copy))


def main(arguments):
    shuffle = "--shuffle" in arguments
    arguments = [argument for argument in arguments if argument != "--shuffle"]
    if len(arguments) != 3:
        sys.exit(__doc__)
    path, megabytes, target = arguments
    small = Small(path)
    with open(path, "rb") as file:
        bytes_each = len(file.read())
    with open(target, "wb", 1 << 20) as out:
        write(small, max(1, int(megabytes) * 1_000_000 // bytes_each), out, shuffle)


main(sys.argv[1:])
