"""Experiments that select something, end, say what is to hold, and stay out of production."""

import copy
import glob
import os
import re
from urllib.parse import parse_qs, urlparse

import yaml

from . import metrics, observability
from .manifests import ROOT, matches, name, of_kind, pod_template, read

FOLDER = os.path.join(ROOT, "chaos-experiments")
HYPOTHESIS = "holdfast/hypothesis"
# Faults that are over as soon as they have happened.
ONE_SHOT = ("pod-kill", "container-kill")
# Pods that operators make, by the kind they make them from.
MADE = {
    "Cluster": lambda own: {"cnpg.io/cluster": own, "cnpg.io/instanceRole": "primary"},
    "Kafka": lambda own: {"strimzi.io/cluster": own, "strimzi.io/kind": "Kafka"},
}


def documents(folder):
    found = []
    for path in sorted(glob.glob(os.path.join(FOLDER, folder, "*.yaml"))):
        found += [(os.path.basename(path), document) for document in yaml.safe_load_all(read(path)) if document]
    return found


def check(overlays, broken=None):
    """Findings; `overlays` has the manifests by their namespace, `broken` replaces what is in the folders."""
    experiments = broken or [document for folder in ("chaos-mesh", "litmus") for _, document in documents(folder)]
    table = read(os.path.join(FOLDER, "README.md"))
    hypotheses = {}
    for document in experiments:
        kind = document["kind"]
        if kind in ("ServiceAccount", "Role", "RoleBinding"):
            continue
        annotations = document["metadata"].get("annotations") or {}
        experiment = annotations.get("holdfast/experiment", document["metadata"]["name"])
        hypothesis = annotations.get(HYPOTHESIS, "")
        if len(hypothesis) < 40:
            yield f"{name(document)} has no hypothesis"
        if hypotheses.setdefault(experiment, hypothesis) != hypothesis:
            yield f"{name(document)} has another hypothesis than elsewhere"
        if f"`{experiment}`" not in table and f"{experiment}.yaml" not in table:
            yield f"{name(document)} is not in the table of chaos-experiments/README.md"
        if kind == "ChaosEngine":
            yield from litmus(document, overlays)
        elif document["metadata"].get("namespace") not in overlays:
            yield f"{name(document)} is for {document['metadata'].get('namespace')}, which is not open to it"
        else:
            yield from chaos_mesh(document, overlays[document["metadata"]["namespace"]])
    # What is in a file for one machine, the drill runner's own reader checks; here, that people hear of it.
    local = {os.path.basename(path)[: -len(".yaml")] for path in glob.glob(os.path.join(FOLDER, "local", "*.yaml"))}
    for experiment in sorted(local):
        if f"(local/{experiment}.yaml)" not in table:
            yield f"local/{experiment}.yaml is not in the table of chaos-experiments/README.md"
    for experiment in re.findall(r"^\| `([a-z-]+)` ", table, re.MULTILINE):
        if experiment not in hypotheses and experiment not in local:
            yield f"the table tells of {experiment}, which does not exist"
    for experiment in re.findall(r"\(local/([a-z-]+)\.yaml\)", table):
        if experiment not in local:
            yield f"the table tells of local/{experiment}.yaml, which does not exist"


def selected(manifests, labels):
    """Whether an overlay has pods with these labels."""
    pods = [pod_template(each)["metadata"]["labels"] for each in of_kind(manifests, "Deployment", "StatefulSet")]
    pods += [make(each["metadata"]["name"]) for kind, make in MADE.items() for each in of_kind(manifests, kind)]
    return any(matches({"matchLabels": labels}, pod) for pod in pods)


def faults(document):
    """Every fault in a document: (title, kind, specification, length given elsewhere)."""
    spec = document["spec"]
    if document["kind"] == "Schedule":
        field = spec["type"][0].lower() + spec["type"][1:]
        yield f"{name(document)}", spec["type"], spec[field], None
    elif document["kind"] == "Workflow":
        for template in spec["templates"]:
            kind = template["templateType"]
            if kind.endswith("Chaos"):
                field = kind[0].lower() + kind[1:].replace("HTTPChaos", "httpChaos")
                yield f"{name(document)} {template['name']}", kind, template[field], template.get("deadline")
    else:
        yield name(document), document["kind"], spec, None


def chaos_mesh(document, manifests):
    for title, kind, spec, deadline in faults(document):
        if kind == "HTTPChaos" and of_kind(manifests, "PeerAuthentication"):
            yield f"{title} does nothing behind sidecars"
        if not (deadline or spec.get("duration") or spec.get("action") in ONE_SHOT):
            yield f"{title} never ends"
        selectors = [spec.get("selector") or {}]
        if "target" in spec and isinstance(spec["target"], dict):
            selectors.append(spec["target"].get("selector") or {})
        for selector in selectors:
            if "namespaces" in selector:
                yield f"{title} names namespaces"
            if not selector.get("labelSelectors"):
                yield f"{title} selects whatever is there"
            elif not selected(manifests, selector["labelSelectors"]):
                yield f"{title} selects nothing: {selector['labelSelectors']}"
    if document["kind"] == "Schedule":
        if document["spec"].get("concurrencyPolicy") != "Forbid":
            yield f"{name(document)} may begin again before it is over"
        if not re.fullmatch(r"\d+ \d+ \* \* [1-5]", document["spec"]["schedule"]):
            yield f"{name(document)} is not on one working day a week: {document['spec']['schedule']}"
    if document["kind"] == "Workflow":
        yield from status_checks(document)


def status_checks(document):
    checks = [each for each in document["spec"]["templates"] if each["templateType"] == "StatusCheck"]
    if not any(each.get("abortWithStatusCheck") for each in checks):
        yield f"{name(document)} goes on whatever it breaks"
    for each in checks:
        for query in parse_qs(urlparse(each["statusCheck"]["http"]["url"]).query).get("query", []):
            # label_replace makes the label `twin` by itself.
            known = {metric: labels | {"twin"} for metric, labels in observability.known().items()}
            yield from metrics.check_query(f"{name(document)} {each['name']}", query, known)


def litmus(document, overlays):
    spec = document["spec"]
    target = spec["appinfo"]
    key, _, value = target["applabel"].partition("=")
    if not selected(overlays.get(target["appns"], []), {key: value}):
        yield f"{name(document)} selects nothing: {target['applabel']} in {target['appns']}"
    # Without a kind Litmus takes any pod of the namespace; one that Argo Rollouts has taken over is no Deployment's.
    rolled = [each["metadata"]["name"] for each in of_kind(overlays.get(target["appns"], []), "Rollout")]
    if target.get("appkind") != ("rollout" if value in rolled else "deployment"):
        yield f"{name(document)} acts upon {value} as a {target.get('appkind')}"
    for experiment in spec["experiments"]:
        values = {each["name"]: each["value"] for each in experiment["spec"]["components"]["env"]}
        if not values.get("TOTAL_CHAOS_DURATION", "").isdigit() or int(values["TOTAL_CHAOS_DURATION"]) == 0:
            yield f"{name(document)} does nothing, or never ends: {values.get('TOTAL_CHAOS_DURATION')}"
        # Litmus reads these with Atoi and takes what it cannot read for 0.
        for variable in ("NETWORK_LATENCY", "JITTER", "CHAOS_INTERVAL", "CPU_CORES", "CPU_LOAD", "PODS_AFFECTED_PERC"):
            if variable in values and not values[variable].isdigit():
                yield f"{name(document)} has {variable}={values[variable]}, which counts as 0"
        kinds = {probe["type"] for probe in experiment["spec"].get("probe") or []}
        if not kinds >= {"httpProbe", "promProbe", "cmdProbe"}:
            yield f"{name(document)} looks with {sorted(kinds)} alone"
        for probe in experiment["spec"].get("probe") or []:
            inputs = probe.get("promProbe/inputs")
            if inputs:
                yield from metrics.check_query(
                    f"{name(document)} {probe['name']}", inputs["query"], observability.known()
                )


# What is done to the experiments, and a piece of the finding that has to come of it.
def _first(experiments, own):
    return next(each for each in experiments if each["metadata"]["name"] == own)


BROKEN = [
    (lambda e: _first(e, "kafka-slow")["spec"].pop("duration"), "never ends"),
    (lambda e: _first(e, "kafka-slow")["spec"]["selector"]["labelSelectors"].update(x="y"), "selects nothing"),
    (lambda e: _first(e, "kafka-slow")["spec"]["selector"].pop("labelSelectors"), "selects whatever"),
    (lambda e: _first(e, "broker-killed")["spec"]["selector"].update(namespaces=["holdfast"]), "names namespaces"),
    (lambda e: _first(e, "broker-killed")["metadata"].update(namespace="holdfast"), "not open to it"),
    (lambda e: _first(e, "provider-unreachable")["metadata"].update(namespace="holdfast-staging"), "behind sidecars"),
    (lambda e: _first(e, "broker-killed")["metadata"].pop("annotations"), "no hypothesis"),
    (lambda e: _first(e, "broker-killed")["metadata"].update(name="broker-dead"), "is not in the table"),
    (lambda e: _first(e, "kafka-slow-weekly")["spec"].update(schedule="0 9 * * *"), "one working day"),
    (
        lambda e: _first(e, "kafka-slow-weekly")["metadata"]["annotations"].update({HYPOTHESIS: "x" * 50}),
        "another hypothesis",
    ),
    (lambda e: e.remove(_first(e, "names-not-resolved")), "which does not exist"),
    (
        lambda e: next(t for t in _first(e, "storm")["spec"]["templates"] if t["templateType"] == "StatusCheck").pop(
            "abortWithStatusCheck"
        ),
        "whatever it breaks",
    ),
    (
        lambda e: next(t for t in _first(e, "storm")["spec"]["templates"] if t["templateType"] == "NetworkChaos").pop(
            "deadline"
        ),
        "never ends",
    ),
    (lambda e: _engine(e)["appinfo"].update(appns="holdfast"), "in holdfast"),
    (lambda e: _engine(e)["appinfo"].update(appkind=""), "as a "),
    (lambda e: _engine(e)["appinfo"].update(applabel="app=order"), "selects nothing"),
    (lambda e: _engine(e)["experiments"][0]["spec"]["components"]["env"][0].update(value="30s"), "never ends"),
    (lambda e: _engine(e)["experiments"][0]["spec"]["probe"].pop(0), "alone"),
]


def _engine(experiments):
    return next(each for each in experiments if each["kind"] == "ChaosEngine")["spec"]


def selftest(overlays):
    """What the checks above miss of the broken experiments."""
    sound = [document for folder in ("chaos-mesh", "litmus") for _, document in documents(folder)]
    for number, (break_it, expected) in enumerate(BROKEN):
        broken = copy.deepcopy(sound)
        break_it(broken)
        if not any(expected in finding for finding in check(overlays, broken)):
            yield f"broken experiment {number} was not found ({expected})"
