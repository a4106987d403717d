"""Rules, their tests and runbooks, and dashboards: all of it about metrics that the code has."""

import glob
import json
import os
import re
import shutil
import subprocess

import yaml

from . import metrics
from .manifests import KUBERNETES, ROOT, read

PROMETHEUS = os.path.join(ROOT, "deployments", "prometheus")
GRAFANA = os.path.join(ROOT, "deployments", "grafana")
RUNBOOKS = os.path.join(ROOT, "docs", "runbooks")
GENERATED = os.path.join(KUBERNETES, "components", "monitoring", "prometheus-rule.yaml")
STATES = {"0": "CLOSED", "1": "OPEN", "2": "HALF-OPEN"}


def groups():
    found = []
    for path in sorted(glob.glob(os.path.join(PROMETHEUS, "rules", "*.yml"))):
        found += yaml.safe_load(read(path))["groups"]
    return found


def rules():
    return [rule for group in groups() for rule in group["rules"]]


def known():
    """The code's metrics and the recordings, each with its labels."""
    found = dict(metrics.in_code())
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = metrics.in_query(rule["expr"])[1]
    return found


def check():
    yield from alerts()
    yield from dashboards()
    if not os.path.exists(GENERATED) or read(GENERATED) != prometheus_rule():
        yield "prometheus-rule.yaml is not what the rules say: scripts/deploy-check --write"


def alerts():
    tests = "".join(read(path) for path in glob.glob(os.path.join(PROMETHEUS, "tests", "*.yml")))
    index = read(os.path.join(RUNBOOKS, "README.md"))
    everything = known()
    pages = set()
    for rule in rules():
        title = rule.get("alert") or rule.get("record")
        yield from metrics.check_query(f"rule {title}", rule["expr"], everything)
        if "alert" not in rule:
            continue
        page = rule["annotations"].get("runbook_url", "")
        pages.add(os.path.basename(page))
        if rule["labels"].get("severity") not in ("page", "ticket"):
            yield f"alert {title} is for nobody: severity {rule['labels'].get('severity')}"
        if not page.startswith("docs/runbooks/") or not os.path.exists(os.path.join(ROOT, page)):
            yield f"alert {title} has no runbook: {page}"
        if not all(rule["annotations"].get(key) for key in ("summary", "description")):
            yield f"alert {title} says nothing"
        if not re.search(rf"alertname: {title}\n\s+exp_alerts:", tests):
            yield f"alert {title} has no test in which it fires"
        line = next((line for line in index.splitlines() if re.search(rf"\b{title}\b", line)), "")
        if rule["labels"].get("severity", "") not in line or os.path.basename(page) not in line:
            yield f"alert {title} is not in the table of docs/runbooks/README.md as it is"
    for path in glob.glob(os.path.join(RUNBOOKS, "*.md")):
        if os.path.basename(path) not in pages | {"README.md"}:
            yield f"{os.path.basename(path)} belongs to no alert"


def dashboards():
    listed = read(os.path.join(GRAFANA, "kustomization.yaml"))
    everything = known()
    identities = set()
    for path in sorted(glob.glob(os.path.join(GRAFANA, "dashboards", "*.json"))):
        file = os.path.basename(path)
        dashboard = json.loads(read(path))
        if f"dashboards/{file}" not in listed:
            yield f"dashboard {file} is not in the kustomization"
        if dashboard["uid"] in identities:
            yield f"dashboard {file} has the uid of another"
        identities.add(dashboard["uid"])
        yield from panels(file, dashboard, everything)


def panels(file, dashboard, everything):
    taken = {}
    for panel in dashboard["panels"]:
        title = f"dashboard {file}, panel {panel['title']}"
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x > 23 or taken.setdefault((x, y), panel["id"]) != panel["id"]:
                    yield f"{title} lies over another, or beyond the edge"
                    break
        if panel["type"] == "row":
            continue
        if not panel.get("targets"):
            yield f"{title} asks nothing"
        for target in panel.get("targets") or []:
            yield from metrics.check_query(title, target["expr"], everything)
            if target["datasource"]["uid"] != "${datasource}" or "$namespace" not in target["expr"]:
                yield f"{title} does not follow the dashboard's variables"
            if "circuit_breaker_state" in target["expr"]:
                shown = {
                    value: text["text"]
                    for mapping in panel["fieldConfig"]["defaults"]["mappings"]
                    for value, text in mapping["options"].items()
                }
                if shown != STATES:
                    yield f"{title} shows states as {shown}"


def queries():
    """Every query of the dashboards, with their variables filled in: (where, query)."""
    for path in sorted(glob.glob(os.path.join(GRAFANA, "dashboards", "*.json"))):
        for panel in json.loads(read(path))["panels"]:
            for target in panel.get("targets") or []:
                query = target["expr"].replace("$__rate_interval", "1m").replace("$namespace", ".*")
                yield f"{os.path.basename(path)}, {panel['title']}", query


def prometheus_rule():
    """The rules as the Prometheus operator takes them."""
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "holdfast", "labels": {"app.kubernetes.io/part-of": "holdfast"}},
        "spec": {"groups": groups()},
    }
    text = yaml.safe_dump(document, sort_keys=False, width=10_000, allow_unicode=True)
    return "# Made from deployments/prometheus/rules by scripts/deploy-check --write.\n" + text


def promtool():
    """What promtool finds; None where it is not there."""
    if not shutil.which("promtool"):
        return None
    found = []
    files = sorted(glob.glob(os.path.join(PROMETHEUS, "rules", "*.yml")))
    tests = sorted(glob.glob(os.path.join(PROMETHEUS, "tests", "*.yml")))
    config = os.path.join(PROMETHEUS, "prometheus.yml")
    for command in (["check", "config", config], ["check", "rules", *files], ["test", "rules", *tests]):
        result = subprocess.run(["promtool", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            found.append(f"promtool {command[0]} {command[1]}: {result.stdout.strip()}")
    return found
