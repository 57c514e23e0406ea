"""Service bench: the example service under an open-loop load; prints one JSON line per load, beside the queueing law.

A closed loop finds the capacity. Then requests arrive by a Poisson process at 30, 50 and 70 % of it. Latencies count
from when each was due: coordinated omission is counted. `theirs` is what the law of an M/M/c queue says for the same
percentile, c being the threads, when each request takes `c / capacity`: the wait of Erlang's formula on top of
that service time. Generator and service share this machine's processors.
"""

import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOADS = (0.3, 0.5, 0.7)
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
CAMPAIGNS = 50


def build() -> tuple[Path, Path]:
    """The service's jar and a policy file, both built here."""
    profile = os.environ.get("CARGO_PROFILE", "release")
    maven = ["mvn", "--batch-mode", "--quiet", "--file", str(ROOT / "java/pom.xml"), f"-Dcargo.profile={profile}"]
    skips = ["-DskipTests", "-Dmaven.javadoc.skip", "-Dmaven.source.skip"]
    projects = ["-pl", "example-service", "-am"]
    subprocess.run([*maven, *skips, *projects, "package"], check=True, stdout=sys.stderr)
    policies = ROOT / "java/equipoise/target/policies"
    cargo = ["cargo", "run", "--locked", "-q", "--profile", profile, "-p", "equipoise-java"]
    subprocess.run([*cargo, "--example", "test_policies", "--", str(policies)], check=True, cwd=ROOT, stdout=sys.stderr)
    jars = ROOT.glob("java/example-service/target/equipoise-example-service-*.jar")
    return next(jars), policies / "permuted-0.safetensors"


def body(n: int) -> str:
    """One request of n candidates, half of them promoted."""
    draw = random.Random(n)  # noqa: S311
    number = [round(draw.random(), 4) for _ in range(2 * n)]
    campaign = [f"c-{draw.randrange(CAMPAIGNS):03}" if draw.random() < 0.5 else None for _ in range(n)]
    request = {"key": 7, "reference": 0.5, "slots": 2, "organic": number[:n], "campaign": campaign}
    return json.dumps({**request, "measures": {"stream": number[n:]}})


def wait_probability(servers: int, load: float) -> float:
    """Erlang's C: how likely a request finds all servers busy."""
    offered = servers * load
    idle = sum(offered**k / math.factorial(k) for k in range(servers))
    busy = offered**servers / math.factorial(servers) / (1 - load)
    return busy / (idle + busy)


def law(servers: int, load: float, service_time: float, q: float) -> float:
    """The q-quantile of the time in an M/M/c queue, taking each service at its mean."""
    waiting = wait_probability(servers, load)
    tail = math.log(waiting / (1 - q)) if waiting > 1 - q else 0.0
    return service_time + tail * service_time / (servers * (1 - load))


class Service:
    """The service in a JVM of its own."""

    def __init__(self, jar: Path, policy: Path, options: list[str]) -> None:
        command = ["java", "-jar", str(jar), "--policy", str(policy), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout is None:
            raise RuntimeError("the service has no output")
        found = re.fullmatch(r"listening on (\d+)\s*", self.process.stdout.readline())
        if not found:
            raise RuntimeError("the service did not start")
        self.port = int(found[1])

    def load(self, request: Path, connections: int, seconds: float, rate: float, seed: int) -> dict[str, float]:
        """What the load generator measures, latencies in microseconds."""
        generator = ["java", str(ROOT / "benches/service/LoadGenerator.java"), str(self.port), str(request)]
        settings = [str(connections), str(seconds), str(rate), str(seed)]
        done = subprocess.run([*generator, *settings], check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def bench(service: Service, request: Path, case: str, threads: int, seconds: float) -> None:
    """Prints the lines of one request size."""
    for _ in range(2):  # compiled code first
        service.load(request, threads, seconds, 0, 0)
    capacity = service.load(request, 2 * threads, seconds, 0, 0)["rate"]
    for load in LOADS:
        found = service.load(request, 64, seconds, load * capacity, seed=1)
        expected = {name: law(threads, load, threads / capacity * 1e6, q) for name, q in PERCENTILES.items()}
        for name in PERCENTILES:
            line = {
                "bench": "service",
                "case": f"{case} load={load:.0%} of {capacity:.0f}/s {name}",
                "subject": "java-service",
                "peer": "queueing-law",
                "ours": round(found[name], 1),
                "theirs": round(expected[name], 1),
                "ratio": round(expected[name] / found[name], 3),
                "unit": "us",
                "repeats": int(found["requests"]),
                "spread": None,
            }
            print(json.dumps(line), flush=True)


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="how long each load is held")
    parser.add_argument("--candidates", type=int, nargs="*", default=[50, 500])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2, help="threads of the service")
    parser.add_argument("--virtual-threads", action="store_true", help="JDK 21 and later")
    arguments = parser.parse_args()
    jar, policy = build()
    options = ["--virtual-threads"] if arguments.virtual_threads else ["--threads", str(arguments.threads)]
    threads = "virtual" if arguments.virtual_threads else str(arguments.threads)
    for n in arguments.candidates:
        with tempfile.TemporaryDirectory() as folder, Service(jar, policy, options) as service:
            request = Path(folder, "request.json")
            request.write_text(body(n), encoding="utf-8")
            bench(service, request, f"n={n} threads={threads}", arguments.threads, arguments.seconds)


if __name__ == "__main__":
    main()
