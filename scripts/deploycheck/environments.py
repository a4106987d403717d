"""What an overlay must and must not hold."""

import functools
import os
import re

from .manifests import ROOT, WORKLOADS, labels, name, of_kind, read, settings

CLUSTER_SCOPED = ("Namespace", "PriorityClass")
CHAOS_GROUPS = ("chaos-mesh.org", "litmuschaos.io")


def check(overlay, manifests):
    namespaces = of_kind(manifests, "Namespace")
    if len(namespaces) != 1:
        yield f"has {len(namespaces)} namespaces"
        return
    own = namespaces[0]["metadata"]["name"]
    if labels(namespaces[0]).get("pod-security.kubernetes.io/enforce") != "restricted":
        yield f"{name(namespaces[0])} does not enforce the restricted pod security"
    for document in manifests:
        if document["kind"] not in CLUSTER_SCOPED and document["metadata"].get("namespace") != own:
            yield f"{name(document)} is not in the namespace {own}"
        if labels(document).get("app.kubernetes.io/part-of") != "holdfast" and document["kind"] != "Secret":
            yield f"{name(document)} is not labelled as part of holdfast"
    for workload in of_kind(manifests, *WORKLOADS):
        if "AUTH" not in settings(manifests, workload):
            yield f"{name(workload)} does not say who may call (AUTH)"
        for key in settings(manifests, workload):
            if key not in documented():
                yield f"{name(workload)} has {key}, which is no setting"
    yield from generated(manifests)
    if overlay == "production":
        yield from production(manifests)


@functools.lru_cache(maxsize=None)
def documented():
    """The settings that the documents tell of, which tests compare with the code; a secret may be in a file."""
    text = "".join(read(os.path.join(ROOT, "docs", page)) for page in ("configuration.md", "provider-simulator.md"))
    keys = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    return keys | set(re.findall(r"`([A-Z_]+_FILE)`", text))


def generated(manifests):
    """Settings are in maps whose name changes with them, so that pods are replaced when they change."""
    maps = {document["metadata"]["name"] for document in of_kind(manifests, "ConfigMap")}
    for workload in of_kind(manifests, *WORKLOADS):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            for source in container.get("envFrom") or []:
                reference = source.get("configMapRef", {}).get("name", "")
                if reference not in maps or len(reference.rsplit("-", 1)[-1]) != 10:
                    yield f"{name(workload)} reads {reference}, whose name does not follow its content"


def production(manifests):
    for document in manifests:
        if document["apiVersion"].split("/")[0] in CHAOS_GROUPS:
            yield f"{name(document)} is a chaos experiment"
        if any("chaos" in key for key in document["metadata"].get("annotations") or {}):
            yield f"{name(document)} is open to chaos experiments"
        if document["kind"] == "Secret":
            yield f"{name(document)} is a secret in the repository"
        if "simulator" in document["metadata"]["name"] or "litmus" in document["metadata"]["name"]:
            yield f"{name(document)} has no place here"
    for workload in of_kind(manifests, *WORKLOADS):
        values = settings(manifests, workload)
        if values.get("AUTH") != "jwt":
            yield f"{name(workload)} lets everybody in"
        for key, value in values.items():
            if key in ("PAYMENT_PROVIDER", "CARRIER") and value == "builtin" or key.startswith("BUILTIN_"):
                yield f"{name(workload)} plays with {key}={value}"
        for container in workload["spec"]["template"]["spec"]["containers"]:
            if container["image"].endswith(":dev") or "/" not in container["image"].partition("/")[2]:
                yield f"{name(workload)} runs {container['image']}, which is no released image"
        service = workload["metadata"]["name"].removesuffix("-migration")
        needed = {"payment-service": "PAYMENT_PROVIDER", "shipping-service": "CARRIER"}.get(service)
        if needed and values.get(needed) != "http":
            yield f"{name(workload)} has no {needed}"
    for kind in ("NetworkPolicy", "PeerAuthentication", "ServiceMonitor", "PodDisruptionBudget"):
        if not of_kind(manifests, kind):
            yield f"has no {kind}"
    for cluster in of_kind(manifests, "Cluster"):
        if cluster["spec"]["instances"] < 3 or "synchronous" not in cluster["spec"]["postgresql"]:
            yield f"{name(cluster)} loses acknowledged orders with one machine"
    for topic in of_kind(manifests, "KafkaTopic"):
        if topic["spec"]["replicas"] < 3 or topic["spec"]["config"].get("min.insync.replicas") != 2:
            yield f"{name(topic)} loses messages with one broker"
