#!/usr/bin/env python3
"""How throughput and latency follow from what an order costs: a small model, checked against measured points.

    Benchmarks/model/model.py check BENCH.json          predicted against measured
    Benchmarks/model/model.py plan BENCH.json           machines for 1 000, 10 000 and 100 000 orders a second
    Benchmarks/model/model.py write BENCH.json FILE     both, into the marked parts of a document

BENCH.json is what `holdfast bench --json` writes, with the scenarios saturation, quarter and ten. Nothing but the standard library is used.

The model: an order passes seven stages in a row (accepted, stock, reply, money, reply, shipment, confirmed). Each stage
serves batches: whatever has arrived while the last batch was served, at most BATCH. A batch of n costs `fixed + n * each`
of processor time, all stages share the processors, and each batch waits `wait` besides (for the disk, the broker, and to be
woken). The three numbers come from measurements: an order alone and an order at saturation cost what was measured, the
number of commits says how large batches were, and the latency alone says what is waited for. All else is predicted.
"""

import argparse
import contextlib
import heapq
import io
import json
import math
import random
import statistics
import sys

STAGES = 7
BATCH = 500
# A machine is planned for this share of its processors: above it queues grow faster than orders do.
HEADROOM = 0.6


class Point:
    """The medians of one scenario over its rounds."""

    def __init__(self, rounds):
        def median(read):
            return statistics.median(read(one) for one in rounds)

        self.rate = median(lambda one: one["finalPerSecond"])
        parts = ("orderService", "otherServices", "broker", "postgres")
        self.parts = {name: median(lambda one, name=name: one["processorTime"][name]) for name in parts}
        self.cost = sum(self.parts.values())
        self.load = median(lambda one: one["processorTime"]["load"])
        self.commits = median(lambda one: one["commits"])
        self.log = median(lambda one: one["logBytes"])
        self.messages = median(lambda one: one.get("messages", math.nan))
        self.p50 = median(lambda one: one["final"]["p50"])
        self.p99 = median(lambda one: one["final"]["p99"])


class Costs:
    """Milliseconds: what a batch costs a stage, what each order in it costs, and what a batch waits for."""

    def __init__(self, alone, saturated):
        self.batch = max(1.0, alone.commits / saturated.commits)
        # alone = fixed + each and saturated = fixed / batch + each, over all stages.
        share = 1 - 1 / self.batch
        fixed = (alone.cost - saturated.cost) / share if share > 0 else 0.0
        self.fixed = max(0.0, fixed) / STAGES
        self.each = max(0.001, alone.cost - max(0.0, fixed)) / STAGES
        self.wait = max(0.0, alone.p50 / STAGES - self.fixed - self.each)

    def order(self, batch):
        """What an order costs in batches of that size."""
        return STAGES * (self.fixed / batch + self.each)


class Network:
    """Stages in a row that share processors, as events in time; milliseconds."""

    def __init__(self, costs, processors, servers=1, seed=1):
        self.costs, self.processors, self.servers = costs, processors, servers
        self.random = random.Random(seed)
        self.now = 0.0
        self.queues = [[] for _ in range(STAGES)]
        self.busy = [0] * STAGES
        self.working = {}
        self.waiting = []
        self.done = []
        self.spent = 0.0
        self.number = 0

    def arrive(self, order, stage=0):
        self.queues[stage].append(order)
        self.serve(stage)

    def serve(self, stage):
        while self.queues[stage] and self.busy[stage] < self.servers:
            batch, self.queues[stage] = self.queues[stage][:BATCH], self.queues[stage][BATCH:]
            self.busy[stage] += 1
            self.number += 1
            work = self.costs.fixed + self.costs.each * len(batch)
            self.spent += work
            self.working[self.number] = [work, stage, batch]

    def run(self, seconds, arrivals=None, clients=0):
        """Orders come by `arrivals` (a rate a second), or from clients that each have one under way."""
        end = seconds * 1000
        coming = self.random.expovariate(arrivals / 1000) if arrivals else math.inf
        for _ in range(clients):
            self.arrive(0.0)
        while self.now < end:
            speed = min(1.0, self.processors / len(self.working)) if self.working else 1.0
            first = min(self.working, key=lambda one: self.working[one][0]) if self.working else None
            finish = self.now + self.working[first][0] / speed if first else math.inf
            woken = self.waiting[0][0] if self.waiting else math.inf
            then = min(finish, woken, coming, end)
            for job in self.working.values():
                job[0] -= (then - self.now) * speed
            self.now = then
            if then == end:
                break
            if then == finish:
                _, stage, batch = self.working.pop(first)
                self.number += 1
                heapq.heappush(self.waiting, (then + self.costs.wait, self.number, stage, batch))
            elif then == woken:
                _, _, stage, batch = heapq.heappop(self.waiting)
                self.busy[stage] -= 1
                for order in batch:
                    if stage + 1 < STAGES:
                        self.queues[stage + 1].append(order)
                    else:
                        self.done.append((then, then - order))
                        if clients:
                            self.queues[0].append(then)
                for number in range(STAGES):
                    self.serve(number)
            else:
                coming = then + self.random.expovariate(arrivals / 1000)
                self.arrive(then)

    def summary(self, seconds):
        """Rate, p50, p99 and cost of the orders behind the first fifth."""
        behind = [latency for at, latency in self.done if at > seconds * 200]
        if not behind:
            return 0.0, math.nan, math.nan, math.nan
        behind.sort()

        def share(part):
            return behind[min(len(behind) - 1, int(part * len(behind)))]

        return len(behind) / (seconds * 0.8), share(0.5), share(0.99), self.spent / max(1, len(self.done))


def points(path):
    with open(path, encoding="utf-8") as file:
        bench = json.load(file)
    found = {}
    for kind in ("saturation", "quarter", "ten", "replicas", "limit"):
        rounds = [one for one in bench["measurements"] if one["scenario"] == kind]
        if rounds:
            found[kind] = Point(rounds)
    missing = [kind for kind in ("saturation", "quarter", "ten") if kind not in found]
    if missing:
        sys.exit(f"model: {path} lacks the scenarios {', '.join(missing)}")
    return bench, found


def table(head, rows, markdown):
    if markdown:
        print("| " + " | ".join(head) + " |")
        print("| " + " | ".join("---" if i == 0 else "--:" for i in range(len(head))) + " |")
        for row in rows:
            print("| " + " | ".join(row) + " |")
    else:
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, *rows]:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def number(value):
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def check(bench, found, options):
    """Prints predicted beside measured."""
    alone, saturated, quarter = found["ten"], found["saturation"], found["quarter"]
    costs = Costs(alone, saturated)
    print(
        f"a batch costs a stage {number(costs.fixed)} ms and {number(costs.each)} ms for each order, and waits "
        f"{number(costs.wait)} ms; {options.processors} processors, {bench['clients']} clients\n"
    )
    rows = []
    # What places the load works on the same processors.
    share = saturated.cost / (saturated.cost + saturated.load)
    closed = Network(costs, options.processors * share)
    closed.run(20, clients=bench["clients"])
    rate, p50, p99, cost = closed.summary(20)
    for name, guess, truth in (
        ("saturated, orders/s", rate, saturated.rate), ("saturated, ms of CPU an order", cost, saturated.cost),
        ("saturated, p50 ms", p50, saturated.p50), ("saturated, p99 ms", p99, saturated.p99),
    ):
        rows.append([name, number(guess), number(truth), number(guess / truth) if truth else "-"])
    for name, point in (("a quarter", quarter), ("10 a second", alone)):
        network = Network(costs, options.processors)
        network.run(60, arrivals=point.rate)
        _, p50, p99, cost = network.summary(60)
        for what, guess, truth in (
            ("ms of CPU an order", cost, point.cost), ("p50 ms", p50, point.p50), ("p99 ms", p99, point.p99),
        ):
            rows.append([f"{name}, {what}", number(guess), number(truth), number(guess / truth) if truth else "-"])
    table(["what", "model", "measured", "ratio"], rows, options.markdown)


def plan(_, found, options):
    """Prints processors and bandwidth for rates, by component."""
    point = found["saturation"]
    names = {"orderService": "order-service", "otherServices": "the other three services", "broker": "Kafka",
             "postgres": "Postgres"}
    rates = (1_000, 10_000, 100_000)
    rows = []
    for part, title in names.items():
        cost = point.parts[part]
        rows.append([title, number(cost)] + [number(math.ceil(rate * cost / 1000 / HEADROOM)) for rate in rates])
    rows.append(["all", number(point.cost)] + [
        number(sum(math.ceil(rate * point.parts[part] / 1000 / HEADROOM) for part in names)) for rate in rates])
    table(["processors", "ms an order"] + [f"{rate:,}/s".replace(",", " ") for rate in rates], rows, options.markdown)
    print()
    rows = [
        ["Postgres: log, MB/s"] + [number(rate * point.log / 1e6) for rate in rates],
        ["Postgres: commits/s"] + [number(rate * point.commits) for rate in rates],
        ["Kafka: messages/s"] + [number(rate * point.messages) for rate in rates],
        ["rows kept for a day, TB (log as a measure)"] + [number(rate * point.log * 86_400 / 1e12) for rate in rates],
        [f"cells of {options.cell} orders/s"] + [str(math.ceil(rate / options.cell)) for rate in rates],
    ]
    table(["flow"] + [f"{rate:,}/s".replace(",", " ") for rate in rates], rows, options.markdown)


def write(bench, found, options):
    """Puts both answers between the document's marks."""
    with open(options.document, encoding="utf-8") as file:
        text = file.read()
    options.markdown = True
    for name, action in (("model-check", check), ("model-plan", plan)):
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
        if begin not in text or end not in text:
            sys.exit(f"model: {options.document} lacks the lines {begin.strip()} and {end.strip()}")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            action(bench, found, options)
        text = text[: text.index(begin) + len(begin)] + printed.getvalue() + text[text.index(end):]
    with open(options.document, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["check", "plan", "write"])
    parser.add_argument("bench")
    parser.add_argument("document", nargs="?", default="docs/scaling.md")
    parser.add_argument("--processors", type=int, default=2, help="of the machine that was measured (default 2)")
    parser.add_argument("--cell", type=int, default=5000, help="orders a second of a cell (default 5000)")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    bench, found = points(options.bench)
    {"check": check, "plan": plan, "write": write}[options.action](bench, found, options)


main()
