"""Checks symtool on a bucket of a real SeaweedFS; scripts/fleet.sh calls it. Counts, no times."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "testdata" / "objects"
GOLDEN = ROOT / "testdata" / "golden"
BUCKET = "s3://symbols/"
KEY, SECRET = "fleet", "fleet-secret"


def free_ports(count):
    """Ports of which the one 10,000 above, which SeaweedFS takes for itself, is free as well."""
    ports = []
    while len(ports) < count:
        port = random.randint(20_000, 50_000)
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        ports.append(port)
    return ports


class Storage:
    """A SeaweedFS with one bucket."""

    def __init__(self, weed, folder):
        self.weed, self.folder = weed, folder
        self.ports = free_ports(4)
        identity = {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}]}
        identity["actions"] = ["Admin", "Read", "Write", "List"]
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        self.start()

    def start(self):
        master, volume, filer, s3 = self.ports
        command = [self.weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder / 'data'}"]
        command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=40"]
        command += [f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"]
        command += ["-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={s3}", f"-s3.config={self.folder / 's3.json'}"]
        log = open(self.folder / "weed.log", "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.endpoint = f"http://127.0.0.1:{s3}"
        while self.process.poll() is None:
            made = subprocess.run(
                ["curl", "-s", "-m", "30", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "--aws-sigv4"]
                + ["aws:amz:us-east-1:s3", "--user", f"{KEY}:{SECRET}", f"{self.endpoint}/symbols"],
                capture_output=True, text=True,
            ).stdout
            if made in ("200", "409"):
                return
            time.sleep(0.5)
        raise SystemExit(f"SeaweedFS does not start; see {self.folder / 'weed.log'}")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Fleet:
    """Processes of symtool."""

    def __init__(self, symtool, storage, folder):
        self.symtool, self.storage, self.folder = symtool, storage, folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SYMTOOL_"))}
        self.env |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
        self.env |= {"AWS_ENDPOINT_URL": storage.endpoint, "XDG_CONFIG_HOME": str(folder)}

    def command(self, store, words, cache=None):
        """The command on a bucket, with a cache of that name, or on a folder."""
        store = [str(self.folder / store)] if cache is None else [BUCKET + store, "--cache", self.folder / cache]
        store += [] if cache is None else ["--timeout", "120"]
        return [self.symtool, "--store", *map(str, store), *map(str, words)]

    def run(self, store, words, cache=None, code=0):
        run = subprocess.run(self.command(store, words, cache), env=self.env, capture_output=True, text=True)
        if code is not None and run.returncode != code:
            raise SystemExit(f"{words[:3]}: exit code {run.returncode}, not {code}: {run.stdout[-500:]}{run.stderr}")
        return run

    def at_once(self, jobs):
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            return [done.result() for done in [pool.submit(*job) for job in jobs]]


def golden_batch(fixtures):
    """The edges of all golden spans of `fixtures`, as a batch of requests by path."""
    lines = []
    for fixture in fixtures:
        for line in (GOLDEN / f"{fixture.name}.jsonl").read_text().splitlines():
            span = json.loads(line)
            lines += [f"{fixture} {span['start']}", f"{fixture} {int(span['end'], 16) - 1:x}"]
    return "\n".join(lines) + "\n"


def halves(folder):
    """The fixture without DWARF, and without symbols: two files of one build."""
    whole = (OBJECTS / "cpp-gcc-O2-dwarf5.so").read_bytes()
    code, debug = whole.replace(b".debug_", b".xebug_"), bytearray(whole)
    begin, count = int.from_bytes(whole[0x28:0x30], "little"), int.from_bytes(whole[0x3C:0x3E], "little")
    for header in range(begin, begin + count * 64, 64):
        if debug[header + 4] in (2, 11):
            debug[header + 4] = 1
    for name, data in [("code.so", code), ("debug.so", debug)]:
        (folder / name).write_bytes(data)
    return folder / "code.so", folder / "debug.so"


def importers_and_readers(fleet, fixtures):
    """Four importers of overlapping files at once, then eight readers with empty caches."""
    fleet.run("local", ["import", *fixtures])
    parts = [fixtures[start::3] + fixtures[:5] for start in range(3)] + [fixtures]
    fleet.at_once([(fleet.run, "all", ["import", *part], f"import-{number}") for number, part in enumerate(parts)])
    batch = fleet.folder / "batch"
    batch.write_text(golden_batch(fixtures))
    words = ["resolve", "--style", "json", "--batch", batch]
    want = fleet.run("local", words, code=None)
    jobs = [(fleet.run, "all", words, f"reader-{number}", None) for number in range(8)]
    for got in fleet.at_once(jobs) + [fleet.run("all", words, "reader-0", None)]:
        assert (got.returncode, got.stdout) == (want.returncode, want.stdout), got.stderr
    print(f"readers: 9 x {len(want.stdout.splitlines())} answers are those of a store on disk")


def segments(fleet, store, words, cache):
    """The module that `words` name, as it answers all addresses of the fixture."""
    batch = fleet.folder / "addresses"
    batch.write_text("".join(f"{address:x}\n" for address in range(0x1000, 0x2000)))
    return fleet.run(store, ["resolve", "--style", "json", "--batch", batch, *words], cache).stdout


def races(fleet, rounds):
    """Code and debug file of one module from two processes: the local result."""
    pair = halves(fleet.folder)
    for file in pair:
        fleet.run("pair", ["import", file])
    words = ["--module", "debug.so"]
    want = segments(fleet, "pair", words, None)
    for number in range(rounds):
        store = f"race-{number}"
        fleet.run(store, ["import", OBJECTS / "asm-gas-dwarf5.so"], f"{store}-made")
        fleet.at_once([(fleet.run, store, ["import", file], f"{store}-{file.stem}") for file in pair])
        assert segments(fleet, store, words, f"{store}-cache") == want, f"round {number}"
    print(f"races: {rounds} rounds, each the local result")


def kills(fleet, count):
    """Importers that are killed at any moment: each module old or new."""
    old, new = halves(fleet.folder)
    fleet.run("kills", ["import", old], "kills-first")
    words = ["--module", "code.so"]
    answers = {segments(fleet, "kills", words, "kills-old")}
    fleet.run("killed-local", ["import", old])
    fleet.run("killed-local", ["import", new])
    answers.add(segments(fleet, "killed-local", words, None))
    begun = time.monotonic()
    fleet.run("kills", ["import", "--force", new], "kills-timed")
    seconds = time.monotonic() - begun
    generator, killed = random.Random(24), 0
    for number in range(count):
        command = fleet.command("kills", ["import", "--force", new], f"kills-{number}")
        process = subprocess.Popen(command, env=fleet.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0.0, seconds))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        if number % 5 == 0:
            assert segments(fleet, "kills", words, f"kills-read-{number}") in answers, f"kill {number}"
    fleet.run("kills", ["import", new], "kills-last")
    assert segments(fleet, "kills", words, "kills-read-last") in answers
    garbage = json.loads(fleet.run("kills", ["--json", "bucket", "gc"], "kills-last").stdout)
    assert garbage["modules"] == 1 and garbage["segments"] == 0, garbage
    print(f"kills: {killed} of {count} importers killed, {garbage['young']} objects left over, answers old or new")


def outages(fleet, storage, fixture):
    """A server that is killed and restarted: equal bytes, or exit code 75 and nothing false."""
    words = ["resolve", "--style", "json", "--module", fixture, "0x1000"]
    want = fleet.run("all", words, "outage-warm").stdout
    storage.stop()
    down = subprocess.run(
        [fleet.symtool, "--store", BUCKET + "all", "--cache", str(fleet.folder / "outage-cold"), "--timeout", "2", *words],
        env=fleet.env, capture_output=True, text=True,
    )
    assert down.returncode == 75 and down.stdout == "", down
    assert fleet.run("all", ["--offline", *words], "outage-warm").stdout == want
    storage.start()
    assert fleet.run("all", words, "outage-cold").stdout == want
    print("outage: exit code 75 while the server was down, equal bytes offline and after it came back")


def main():
    parser = argparse.ArgumentParser()
    for name in ["weed", "symtool"]:
        parser.add_argument(f"--{name}", required=True)
    for name in ["rounds", "kills", "files"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = pathlib.Path(name)
        storage = Storage(args.weed, folder)
        try:
            fleet = Fleet(args.symtool, storage, folder)
            fleet.run("all", ["bucket", "probe"], "probe")
            names = sorted(path.name.removesuffix(".jsonl") for path in GOLDEN.glob("*.jsonl"))
            fixtures = [OBJECTS / name for name in names if (OBJECTS / name).is_file()][: args.files]
            importers_and_readers(fleet, fixtures)
            races(fleet, args.rounds)
            kills(fleet, args.kills)
            outages(fleet, storage, fixtures[0])
        finally:
            storage.stop()


main()
