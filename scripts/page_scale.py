"""What a page of many groups costs against one of 200: page_scale.py BROWSER SYMTOOL [--groups N] [--rounds N].

Makes two crashes for each group, with ten C++ functions, and a page of 200 and of all groups. Prints ratios: of sizes, and
of the times in which Chromium has loaded and laid out the pages, by turns, as the median of the rounds.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

from page import Browser

FEW = 200
LOADED = """(() => {
  document.body.getBoundingClientRect();
  const [entry] = performance.getEntriesByType('navigation');
  return entry.loadEventEnd - entry.startTime;
})()"""


def event(group, number):
    """A crash of a group."""
    frames = [{
        "function": f"shop::Cart{group}::Holder<std::vector<int, std::allocator<int> > >::step{at}(unsigned int, char const*)",
        "filename": f"/src/shop/cart{group % 97}/holder.cc", "lineno": 10 + at, "instruction_addr": f"{4096 + at:#x}",
    } for at in range(10)]
    return json.dumps({
        "event_id": f"{group * 2 + number:032x}", "timestamp": 1_790_000_000 + (group * 2 + number) * 60, "platform": "native",
        "release": f"shop@1.{group % 5}", "contexts": {"os": {"name": "Linux", "version": "6.1"}, "device": {"arch": "x86_64"}},
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": frames}}]},
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("browser")
    parser.add_argument("symtool")
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        events = folder / "events.ndjson"
        with open(events, "w", encoding="utf-8") as out:
            for group in range(args.groups):
                out.writelines(event(group, number) + "\n" for number in range(2))
        run = [args.symtool, "-q", "--store", folder / "store"]
        subprocess.run([*run, "crash", "add", events], check=True)
        pages = []
        for groups in (FEW, args.groups):
            page = folder / f"{groups}.html"
            subprocess.run([*run, "report", "--limit", str(groups), "-o", page], check=True)
            pages.append(page)
        times = [[], []]
        browser = Browser(args.browser, folder / "profile")
        for _ in range(args.rounds):
            for page, of_page in zip(pages, times):
                browser.open(page.as_uri())
                of_page.append(browser.evaluate(LOADED))
        browser.close()
        sizes = [page.stat().st_size for page in pages]
        few, many = (statistics.median(of_page) for of_page in times)
        print(f"page: {args.groups:,} groups against {FEW}: {sizes[1]:,} / {sizes[0]:,} bytes = {sizes[1] / sizes[0]:.1f} x; "
              f"loaded and laid out {many / few:.1f} x")


main()
