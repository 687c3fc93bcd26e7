"""Looks at pages with Chromium, by its DevTools protocol over a pipe: page.py BROWSER FOLDER [KEEP].

Each FOLDER/*.html is opened at three widths, as it is and with everything opened, in light, dark and print. Fails if
the page asks for anything, logs an error, has an id twice, or is wider than the window.
"""

import base64
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WIDTHS = (390, 768, 1100)
LOOKS = (("light", "screen"), ("dark", "screen"), ("light", "print"))

# What the page itself tells. Scripts of the page cannot run; those of the protocol can.
STATE = """(() => {
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll('body *')].filter(element => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.right > width + 1;
  });
  return JSON.stringify({
    twice: ids.filter((id, at) => ids.indexOf(id) !== at),
    scroll: document.documentElement.scrollWidth - width,
    wide: wide.slice(0, 3).map(element => element.tagName + ' ' + element.textContent.slice(0, 60)),
    landmarks: ['header', 'main', 'footer'].filter(name => !document.querySelector(name)),
  });
})()"""
OPEN = "document.querySelectorAll('details').forEach(element => { element.open = true; })"


class Browser:
    """Chromium with one tab."""

    def __init__(self, name, profile):
        to_browser, from_browser = os.pipe(), os.pipe()

        def set_up():
            # Out of the way first: they may be 3 and 4 themselves.
            reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser[0], from_browser[1]))
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        words = [name, "--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars",
                 f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        self.process = subprocess.Popen(words, preexec_fn=set_up, close_fds=False, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.to, self.answers = os.fdopen(to_browser[1], "wb"), os.fdopen(from_browser[0], "rb")
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.rest:
            more = self.answers.read1(1 << 16)
            if not more:
                sys.exit("page: the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        self.to.write(json.dumps(request).encode() + b"\0")
        self.to.flush()
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"page: {method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, url):
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        return self.ask("Runtime.evaluate", expression=expression)["result"].get("value")

    def close(self):
        self.session = None
        self.ask("Browser.close")
        self.process.wait()


def problems(browser, page, width, keep):
    """What is wrong with a page at this width."""
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=1400, deviceScaleFactor=1, mobile=False)
    browser.open(page.as_uri())
    found = []
    for is_open in (False, True):
        if is_open:
            browser.evaluate(OPEN)
        for scheme, media in LOOKS:
            browser.ask("Emulation.setEmulatedMedia", media=media,
                        features=[{"name": "prefers-color-scheme", "value": scheme}])
            state = json.loads(browser.evaluate(STATE))
            for key, value in state.items():
                if value and (key != "scroll" or value > 0):
                    found.append(f"{media} {scheme}{', all open' if is_open else ''}: {key}: {value}")
            if keep and not is_open:
                picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=False)["data"]
                name = f"{page.stem}-{width}-{scheme}-{media}.png"
                (keep / name).write_bytes(base64.b64decode(picture))
    for event in browser.events:
        params = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent" and params["request"]["url"] != page.as_uri():
            found.append(f"asks for {params['request']['url'][:200]}")
        if event.get("method") == "Log.entryAdded":
            found.append(f"log: {params['entry']['text'][:200]}")
    return found


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    keep = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    pages = sorted(folder.glob("*.html"))
    failed = not pages
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(name, profile)
        for page in pages:
            for width in WIDTHS:
                found = problems(browser, page.resolve(), width, keep)
                failed = failed or bool(found)
                print(f"page: {page.name} at {width}: {'; '.join(found) or 'good'}")
        browser.close()
    sys.exit(failed)


if __name__ == "__main__":
    main()
