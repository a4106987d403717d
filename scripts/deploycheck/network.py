"""Network policies, evaluated: what has to reach something does, and nothing else."""

import ipaddress
from typing import NamedTuple, Optional
from urllib.parse import urlparse

from .manifests import matches, name, of_kind, pod_template, settings


class Peer(NamedTuple):
    """A pod: of our namespace when `namespace` is None, or an address outside the cluster when `labels` is None."""

    title: str
    labels: Optional[dict]
    namespace: Optional[str] = None
    address: Optional[str] = None


PROMETHEUS = Peer("Prometheus", {"app.kubernetes.io/name": "prometheus"}, "monitoring")
GATEWAY = Peer("the gateway", {"istio": "ingressgateway"}, "istio-ingress")
DNS = Peer("DNS", {"k8s-app": "kube-dns"}, "kube-system")
MESH = Peer("istiod", {"app": "istiod"}, "istio-system")
INTERNET = Peer("the internet", None, address="203.0.113.7")
STRANGER = Peer("a stranger in the namespace", {"app": "stranger"})
NEIGHBOUR = Peer("a pod of another namespace", {"app": "neighbour"}, "elsewhere")


def check(manifests):
    policies = of_kind(manifests, "NetworkPolicy")
    if not policies:
        return
    if not any(
        policy["spec"]["podSelector"] == {}
        and sorted(policy["spec"].get("policyTypes", [])) == ["Egress", "Ingress"]
        and not policy["spec"].get("ingress")
        and not policy["spec"].get("egress")
        for policy in policies
    ):
        yield "no policy denies everything by default"
    for policy in policies:
        for direction, kind in (("ingress", "Ingress"), ("egress", "Egress")):
            if policy["spec"].get(direction) and kind not in policy["spec"].get("policyTypes", []):
                yield f"{name(policy)} has rules for {direction} that are not in its policyTypes"
    for source, target, port in needed(manifests):
        if not allowed(policies, source, target, port):
            yield f"{source.title} does not get through to {target.title} on {port}"
    for source, target, port in forbidden(manifests):
        if allowed(policies, source, target, port):
            yield f"{source.title} gets through to {target.title} on {port}, and must not"


def pods(manifests):
    return [
        Peer(workload["metadata"]["name"], pod_template(workload)["metadata"]["labels"])
        for workload in of_kind(manifests, "Deployment", "StatefulSet", "Job")
    ]


def databases(manifests):
    return {
        cluster["metadata"]["name"]: Peer(cluster["metadata"]["name"], {"cnpg.io/cluster": cluster["metadata"]["name"]})
        for cluster in of_kind(manifests, "Cluster")
    }


def brokers(manifests):
    return {
        kafka["metadata"]["name"]: Peer(
            "Kafka", {"strimzi.io/cluster": kafka["metadata"]["name"], "strimzi.io/kind": "Kafka"}
        )
        for kafka in of_kind(manifests, "Kafka")
    }


def target_of(manifests, host, port):
    """Who answers at a host and port of the settings; a host nobody here has is outside the cluster."""
    host = host.split(".")[0] if host.endswith((".svc", ".svc.cluster.local")) else host
    for service in of_kind(manifests, "Service"):
        if service["metadata"]["name"] != host:
            continue
        for entry in service["spec"]["ports"]:
            if entry["port"] == port:
                for workload in of_kind(manifests, "Deployment", "StatefulSet"):
                    template = pod_template(workload)
                    if matches({"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"]):
                        return Peer(host, template["metadata"]["labels"]), container_port(template, entry["targetPort"])
        return None, port
    for cluster, peer in databases(manifests).items():
        if host == f"{cluster}-rw":
            return peer, port
    for cluster, peer in brokers(manifests).items():
        if host == f"{cluster}-kafka-bootstrap":
            return peer, port
    return (Peer(host, None, address=INTERNET.address) if "." in host else None), port


def container_port(template, target):
    if isinstance(target, int):
        return target
    return next(
        port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container["ports"]
        if port["name"] == target
    )


def addresses(values, is_job):
    """The hosts and ports that settings name; a migration speaks to its database alone."""
    for key, value in values.items():
        if key == "DATABASE_URL" or (key.endswith("_URL") and not is_job):
            url = urlparse(value)
            yield key, url.hostname, url.port or {"https": 443, "http": 80, "postgres": 5432}[url.scheme]
        elif key == "KAFKA_BOOTSTRAP" and not is_job:
            for server in value.split(","):
                host, _, port = server.rpartition(":")
                yield key, host, int(port)


def needed(manifests):
    """The flows that the settings ask for, and those of the platform."""
    for workload in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        pod = Peer(workload["metadata"]["name"], pod_template(workload)["metadata"]["labels"])
        yield pod, DNS, 53
        for key, host, port in addresses(settings(manifests, workload), workload["kind"] == "Job"):
            target, port = target_of(manifests, host, port)
            yield pod, target or Peer(f"{host} ({key}), which nothing here answers to", {"nobody": "here"}), port
    for deployment in of_kind(manifests, "Deployment"):
        pod = Peer(deployment["metadata"]["name"], pod_template(deployment)["metadata"]["labels"])
        yield PROMETHEUS, pod, 8081
        if of_kind(manifests, "DestinationRule"):
            yield pod, MESH, 15012
    for service in exposed(manifests):
        yield GATEWAY, service, 8080
    for peer in databases(manifests).values():
        yield peer, peer, 5432
        yield peer, INTERNET, 6443
        yield Peer("CloudNativePG", {}, "cnpg-system"), peer, 8000


def exposed(manifests):
    """The services that routes of a gateway lead to."""
    for route in of_kind(manifests, "VirtualService"):
        if set(route["spec"].get("gateways", ["mesh"])) == {"mesh"}:
            continue
        for rule in route["spec"]["http"]:
            for destination in rule.get("route") or []:
                host, port = destination["destination"]["host"], destination["destination"]["port"]["number"]
                target, _ = target_of(manifests, host, port)
                if target:
                    yield target


def forbidden(manifests):
    everybody = pods(manifests)
    services = {peer.title: peer for peer in everybody if peer.labels.get("app.kubernetes.io/component") == "service"}
    own = {}
    for workload in of_kind(manifests, "Deployment", "Job"):
        for key, host, _ in addresses(settings(manifests, workload), True):
            own.setdefault(host, set()).add(workload["metadata"]["name"])
    for database, peer in databases(manifests).items():
        for other in everybody + [STRANGER, NEIGHBOUR]:
            if other.title not in own.get(f"{database}-rw", set()):
                yield other, peer, 5432
    for service in services.values():
        for other in (STRANGER, NEIGHBOUR):
            yield other, service, 8080
            yield other, service, 8081
        yield GATEWAY, service, 8081
        yield service, NEIGHBOUR, 8080
        yield service, INTERNET, 80
        yield service, Peer("a private address", None, address="10.0.0.7"), 443
    if "payment-service" in services:
        yield services["inventory-service"], services["payment-service"], 8080
        yield services["payment-service"], services["order-service"], 8080
        yield GATEWAY, services["inventory-service"], 8080


def allowed(policies, source, target, port):
    """Whether a connection is made: the source lets it out, and the target lets it in."""
    return one_way(policies, source, target, port, "egress") and one_way(policies, target, source, port, "ingress")


def one_way(policies, pod, peer, port, direction):
    # Policies of other namespaces and of the outside are not ours to judge.
    if pod.labels is None or pod.namespace is not None:
        return True
    kind = direction.capitalize()
    relevant = [
        policy["spec"]
        for policy in policies
        if kind in policy["spec"].get("policyTypes", ["Ingress"]) and matches(policy["spec"]["podSelector"], pod.labels)
    ]
    if not relevant:
        return True
    # What Strimzi generates from the listeners is not here: its pods take in what their clients' policies let out.
    if direction == "ingress" and "strimzi.io/kind" in pod.labels:
        return True
    side = "from" if direction == "ingress" else "to"
    return any(
        in_ports(rule.get("ports"), port) and (not rule.get(side) or any(is_peer(each, peer) for each in rule[side]))
        for spec in relevant
        for rule in spec.get(direction) or []
    )


def in_ports(ports, port):
    return not ports or any(
        entry.get("port") is None or entry["port"] <= port <= entry.get("endPort", entry["port"]) for entry in ports
    )


def is_peer(entry, peer):
    if "ipBlock" in entry:
        return peer.address is not None and in_block(peer.address, entry["ipBlock"])
    if peer.labels is None:
        return False
    if "namespaceSelector" in entry:
        namespace = {"kubernetes.io/metadata.name": peer.namespace or "ours"}
        if not matches(entry["namespaceSelector"] or {}, namespace):
            return False
    elif peer.namespace is not None:
        return False
    return matches(entry.get("podSelector") or {}, peer.labels)


def in_block(address, block):
    own = ipaddress.ip_address(address)
    return own in ipaddress.ip_network(block["cidr"]) and not any(
        own in ipaddress.ip_network(part) for part in block.get("except") or []
    )
