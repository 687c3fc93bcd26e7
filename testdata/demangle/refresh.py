#!/usr/bin/env python3
"""Refreshes names.txt: in, its first column (mangled names); out, what llvm-cxxfilt 19 and binutils' c++filt make of them.

    ./refresh.py           # rewrites names.txt
    ./refresh.py --check   # exits 1 if it would change

`-` stands for a name that the tool leaves as it is.
"""

import pathlib
import subprocess
import sys

# As addr2line -C prints: c++filt alone would keep Rust's hashes, which -i leaves out.
TOOLS = (["llvm-cxxfilt-19"], ["c++filt", "-i"])


def demangle(tool, names):
    """The tool's answers, one for each name."""
    answers = subprocess.run([*tool, *names], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(answers) == len(names), tool
    return ["-" if answer == name else answer for name, answer in zip(names, answers)]


def main():
    path = pathlib.Path(__file__).with_name("names.txt")
    lines = path.read_text().splitlines()
    names = [line.split("\t")[0] for line in lines if not line.startswith("#")]
    answers = iter(zip(names, *(demangle(tool, names) for tool in TOOLS)))
    text = "".join((line if line.startswith("#") else "\t".join(next(answers))) + "\n" for line in lines)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if text == path.read_text() else "names.txt is out of date")
    path.write_text(text)


if __name__ == "__main__":
    main()
