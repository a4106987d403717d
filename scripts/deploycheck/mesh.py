"""The mesh: it retries no write, waits longer than the services do, and lets nobody in that is not named."""

import functools
import glob
import os
import re

from .manifests import ROOT, name, of_kind, read, settings

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
# The longest that Prefer: wait may ask for.
LONGEST_WAIT = 30


def seconds(text):
    """A duration such as 1m30s."""
    return sum(float(count) * SECONDS[unit] for count, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", text))


def check(manifests):
    routes = of_kind(manifests, "VirtualService")
    if not routes:
        return
    for route in routes:
        for rule in route["spec"]["http"]:
            yield from retries(route, rule)
    yield from timeouts(manifests, routes)
    yield from subsets(manifests, routes)
    yield from trust(manifests)
    yield from customers(manifests)
    yield from outliers(manifests)


def reads_only(rule):
    found = [match.get("method", {}).get("exact") for match in rule.get("match") or [{}]]
    return all(method in ("GET", "HEAD") for method in found)


def retries(route, rule):
    policy = rule.get("retries")
    title = f"{name(route)}, route {rule.get('name')}"
    if policy is None:
        yield f"{title} says nothing of retries, so that the mesh makes its own two"
        return
    attempts = policy.get("attempts", 2)
    if attempts and not reads_only(rule):
        yield f"{title} repeats writes, which the callers repeat themselves"
    if (
        attempts
        and "mesh" in route["spec"].get("gateways", ["mesh"])
        and len(route["spec"].get("gateways", ["mesh"])) == 1
    ):
        yield f"{title} repeats what the services repeat themselves"
    if attempts and seconds(rule.get("timeout", "0s")) < attempts * seconds(policy.get("perTryTimeout", "0s")):
        yield f"{title} ends before its attempts do"


def timeouts(manifests, routes):
    """Longer than the service's own deadline, so that it is the service that answers."""
    for deployment in of_kind(manifests, "Deployment"):
        deadline = float(settings(manifests, deployment).get("REQUEST_DEADLINE_SECONDS", 10))
        for route in routes:
            for rule in route["spec"]["http"]:
                hosts = {entry["destination"]["host"] for entry in rule.get("route") or []}
                if deployment["metadata"]["name"] not in hosts:
                    continue
                waits = deployment["metadata"]["name"] == "order-service" and not reads_only(rule)
                least = deadline + (LONGEST_WAIT if waits else 0)
                if seconds(rule.get("timeout", "0s")) <= least:
                    yield f"{name(route)}, route {rule.get('name')} ends before the {least:g} s the service may take"


def subsets(manifests, routes):
    rules = {rule["spec"]["host"]: rule for rule in of_kind(manifests, "DestinationRule")}
    for route in routes:
        for rule in route["spec"]["http"]:
            weights = [entry.get("weight", 100) for entry in rule.get("route") or []]
            if sum(weights) != 100:
                yield f"{name(route)}, route {rule.get('name')} has weights {weights}"
            for entry in rule.get("route") or []:
                host, subset = entry["destination"]["host"], entry["destination"].get("subset")
                known = [each["name"] for each in rules.get(host, {}).get("spec", {}).get("subsets") or []]
                if host not in rules or (subset and subset not in known):
                    yield f"{name(route)} leads to {host} {subset or ''}, which no DestinationRule knows"


def trust(manifests):
    if not any(
        "selector" not in each["spec"] and each["spec"].get("mtls", {}).get("mode") == "STRICT"
        for each in of_kind(manifests, "PeerAuthentication")
    ):
        yield "no PeerAuthentication makes mutual TLS strict"
    policies = of_kind(manifests, "AuthorizationPolicy")
    if not any(not policy.get("spec") for policy in policies):
        yield "no AuthorizationPolicy refuses what the others do not allow"
    for policy in policies:
        for rule in policy.get("spec", {}).get("rules") or []:
            operations = [target.get("operation", {}) for target in rule.get("to") or []]
            if not operations or not all("ports" in operation and "paths" in operation for operation in operations):
                yield f"{name(policy)} allows more than some paths of one port"
            if any("8081" not in operation.get("ports", []) for operation in operations) and not rule.get("from"):
                yield f"{name(policy)} does not say who may call"


@functools.lru_cache(maxsize=None)
def customer_routes():
    """Method and path of every route that order-service has for customers."""
    found = set()
    for path in glob.glob(os.path.join(ROOT, "Sources", "OrderService", "API", "*.swift")):
        for method, route in re.findall(r'router\.(\w+)\(\s*"(/v1/[^"]*)",\s*access: \.customers', read(path)):
            found.add((method.upper(), re.sub(r"\{\w+\}", "x", route)))
    return found


def customers(manifests):
    """What the API has for customers, the gateway may ask."""
    operations = [
        target["operation"]
        for policy in of_kind(manifests, "AuthorizationPolicy")
        if policy["metadata"]["name"] == "order-service"
        for rule in policy["spec"]["rules"]
        for target in rule["to"]
    ]
    for method, route in sorted(customer_routes()):
        if not any(
            method in operation["methods"]
            and any(
                route.startswith(path[:-1]) if path.endswith("*") else route == path for path in operation["paths"]
            )
            for operation in operations
        ):
            yield f"no AuthorizationPolicy lets a customer {method} {route}"
    if not customer_routes():
        yield "order-service has no routes for customers: the check looks at the wrong place"


def outliers(manifests):
    for rule in of_kind(manifests, "DestinationRule"):
        detection = rule["spec"].get("trafficPolicy", {}).get("outlierDetection")
        if not detection:
            yield f"{name(rule)} never takes out a replica that fails"
        elif detection.get("maxEjectionPercent", 10) < 34:
            yield f"{name(rule)} may take out {detection.get('maxEjectionPercent', 10)} %: none of three replicas"
