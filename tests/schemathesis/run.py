"""Runs Schemathesis against a terminal of its own and says which operations it reached.

The terminal is an emulator on a free port of the loopback address, with a card in its reader and without
rate limits. It ends with this program. `make schemathesis` says how to call it.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

API_KEY = "sk_test_schemathesis_0123456789abcdef"

# How long the terminal may take to boot and to stop, and the whole run, in seconds.
BOOT_S_MAX = 60
STOP_S_MAX = 45
RUN_S_MAX = 3600

# Nobody completes what the granular mode asks: that must not keep the terminal busy for long.
DECISION_MS = 1000

# An answer that says nothing about the operation: the request came no further than the door.
AT_THE_DOOR = {429}

# Operations have to be reached by so much of what is sent to them.
REACHED_MIN = 0.9


def parameters(folder):
    """The emulator's parameters, with a short time for the point of sale's decision."""
    emulated = json.loads((ROOT / "host/emulator/parameters.json").read_text())
    emulated["timeouts"]["decision_ms"] = DECISION_MS
    path = folder / "parameters.json"
    path.write_text(json.dumps(emulated))
    return path


def start(tenon, folder, log):
    """Starts a terminal. Returns its process and its URL once it serves."""
    arguments = [
        tenon, "--log", "warn", "emulator", "--listen", "127.0.0.1:0", "--card", "visa-credit",
        "--no-rate-limits", "--data", folder / "data", "--parameters", parameters(folder),
        "--api-key", API_KEY,
    ]
    terminal = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    readable, _, _ = select.select([terminal.stdout], [], [], BOOT_S_MAX)
    line = terminal.stdout.readline() if readable else b""
    if not line:
        terminal.kill()
        sys.exit(f"the terminal does not start: {pathlib.Path(log.name).read_text()}")
    return terminal, json.loads(line)["url"]


def stop(terminal):
    """Asks the terminal to stop, as an operator does. Returns its exit status; `None` when it had to be killed."""
    terminal.send_signal(signal.SIGTERM)
    try:
        return terminal.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        terminal.kill()
        terminal.wait()
        return None


def run(arguments, url, folder):
    """Runs Schemathesis. Returns its exit status and what was sent and answered."""
    archive = folder / "requests.har"
    command = [
        arguments.st, "--config-file", HERE / "schemathesis.toml", "run", f"{url}/openapi.json",
        "--seed", str(arguments.seed), "--max-examples", str(arguments.cases),
        "--generation-database", "none", "--report", "har", "--report-har-path", archive,
        *arguments.more,
    ]
    environment = dict(os.environ, TENON_API_KEY=API_KEY, PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1")
    status = subprocess.run(command, env=environment, cwd=folder, timeout=RUN_S_MAX, check=False).returncode
    entries = json.loads(archive.read_text())["log"]["entries"] if archive.exists() else []
    return status, entries


def operations():
    """Each operation's name by method and by what its paths look like."""
    document = json.loads((ROOT / "docs/api/openapi.json").read_text())
    for path, methods in document["paths"].items():
        # Paths without parameters come first: they are more exact.
        pattern = re.compile("/".join("[^/]*" if part.startswith("{") else re.escape(part) for part in path.split("/")))
        for method, operation in methods.items():
            yield "{" in path, method.upper(), pattern, operation["operationId"]


def count(entries):
    """How often each status was answered, by operation."""
    known = sorted(operations(), key=lambda known: known[0])
    counts = {name: collections.Counter() for *_, name in known}
    others = collections.Counter()
    for entry in entries:
        method = entry["request"]["method"]
        path = re.sub(r"^https?://[^/]*|[?#].*$", "", entry["request"]["url"])
        name = next((name for _, of, pattern, name in known if of == method and pattern.fullmatch(path)), None)
        (counts[name] if name else others)[entry["response"]["status"]] += 1
    return counts, others


def report(counts, others):
    """Prints the table. Returns the operations that were not reached."""
    print(f"\n{'operation':<28}{'cases':>7}{'2xx':>7}{'4xx':>7}{'5xx':>7}{'reached':>9}  statuses")
    missed = []
    for name, statuses in counts.items():
        cases = statuses.total()
        at_the_door = sum(statuses[status] for status in AT_THE_DOOR)
        reached = (cases - at_the_door) / cases if cases else 0.0
        families = [sum(n for status, n in statuses.items() if status // 100 == family) for family in (2, 4, 5)]
        listed = " ".join(f"{status}:{n}" for status, n in sorted(statuses.items()))
        print(f"{name:<28}{cases:>7}" + "".join(f"{n:>7}" for n in families) + f"{reached:>9.1%}  {listed}")
        if reached < REACHED_MIN:
            missed.append(name)
    total = sum((statuses.total() for statuses in counts.values()), others.total())
    print(f"{len(counts)} operations, {total} cases, {others.total()} of them for no operation: {dict(others)}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", required=True, type=pathlib.Path, help="the terminal's program")
    parser.add_argument("--st", required=True, type=pathlib.Path, help="the program of Schemathesis")
    parser.add_argument("--seed", required=True, type=int, help="repeats a run")
    parser.add_argument("--cases", required=True, type=int, help="at most so many for each operation and phase")
    parser.add_argument("more", nargs="*", help="passed on to Schemathesis, after --")
    arguments = parser.parse_args()
    arguments.tenon = arguments.tenon.resolve()
    # Not resolved further: an environment's program is a link.
    arguments.st = arguments.st.absolute()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with open(folder / "terminal.log", "w+b") as log:
            terminal, url = start(arguments.tenon, folder, log)
            try:
                status, entries = run(arguments, url, folder)
                died = terminal.poll()
            finally:
                stopped = stop(terminal)
        said = (folder / "terminal.log").read_text(errors="replace")
        missed = report(*count(entries))
    failures = [
        (status != 0, f"Schemathesis found something (its exit status is {status})"),
        (died is not None, f"the terminal died with {died}"),
        (stopped != 0, f"the terminal stopped with {stopped}"),
        ("panicked" in said, "the terminal panicked"),
        (bool(missed), f"not reached: {', '.join(missed)}"),
    ]
    failed = [reason for happened, reason in failures if happened]
    if "panicked" in said:
        print(said)
    print(*(f"FAILED: {reason}" for reason in failed) if failed else ["ok"], sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
