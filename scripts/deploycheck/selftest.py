"""The checks, checked: each of these broken manifests has to be found, or the check that should is worth nothing."""

import copy
import os
import tempfile

from .manifests import KUBERNETES, documents, of_kind, render


def with_components(overlay, components):
    """The text of an overlay with further components."""
    with tempfile.TemporaryDirectory(dir=os.path.join(KUBERNETES, "overlays")) as folder:
        with open(os.path.join(folder, "kustomization.yaml"), "w", encoding="utf-8") as file:
            file.write(
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
                f"namespace: {'holdfast' if overlay == 'production' else 'holdfast-' + overlay}\n"
                f"resources: [../{overlay}]\n"
                "components: [" + ", ".join(f"../../components/{name}" for name in components) + "]\n"
            )
        return render(folder)


def named(found, kind, name):
    return next(each for each in of_kind(found, kind) if each["metadata"]["name"] == name)


def container(found, workload="order-service"):
    return named(found, "Deployment", workload)["spec"]["template"]["spec"]["containers"][0]


def remove(found, kind, name):
    found.remove(named(found, kind, name))


def policy(found, name):
    return named(found, "NetworkPolicy", name)["spec"]


def route(found, name, rule):
    return next(each for each in named(found, "VirtualService", name)["spec"]["http"] if each["name"] == rule)


def settings_map(found, service):
    return next(
        each["data"]
        for each in of_kind(found, "ConfigMap")
        if each["metadata"]["name"].startswith(f"{service}-settings")
    )


# What is done to the production overlay, and a piece of the finding that has to come of it.
BROKEN = [
    (lambda m: container(m)["readinessProbe"]["httpGet"].update(path="/health/live"), "ask the same"),
    (lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/health/ready"), "for what its dependencies do"),
    (lambda m: container(m)["livenessProbe"].update(timeoutSeconds=1), "gives its livenessProbe"),
    (lambda m: container(m)["livenessProbe"]["httpGet"].update(port="http"), "not on admin"),
    (lambda m: container(m).pop("lifecycle"), "endpoints still lead to it"),
    (lambda m: settings_map(m, "order-service").update(DRAIN_SECONDS="60"), "is killed after 40 s"),
    (lambda m: container(m)["securityContext"].update(readOnlyRootFilesystem=False), "may write to its root"),
    (lambda m: container(m)["securityContext"]["capabilities"].pop("drop"), "keeps capabilities"),
    (lambda m: container(m).update(image="registry.example.com/holdfast/order-service:latest"), "at the moment"),
    (lambda m: container(m).update(image="holdfast/order-service:dev"), "no released image"),
    (lambda m: container(m)["resources"].pop("limits"), "has no memory in its limits"),
    (lambda m: container(m)["volumeMounts"].clear(), "where nothing is mounted"),
    (lambda m: container(m).update(env=[{"name": "AUTH_SECRET", "value": "x"}]), "in the clear"),
    (lambda m: container(m).update(env=[{"name": "X", "valueFrom": {"secretKeyRef": {}}}]), "in its environment"),
    (lambda m: named(m, "Deployment", "order-service")["spec"].update(replicas=3), "its autoscaler owns"),
    (
        lambda m: named(m, "Deployment", "order-service")["spec"]["strategy"].pop("rollingUpdate"),
        "before new ones serve",
    ),
    (
        lambda m: named(m, "Deployment", "order-service")["spec"]["template"]["spec"].pop("topologySpreadConstraints"),
        "is not spread",
    ),
    (
        lambda m: named(m, "Deployment", "order-service")["spec"]["template"]["spec"].pop("serviceAccountName"),
        "no account of its own",
    ),
    (lambda m: named(m, "PodDisruptionBudget", "order-service")["spec"].update(maxUnavailable=3), "do not fit"),
    (
        lambda m: named(m, "PodDisruptionBudget", "order-service")["spec"].update(selector={"matchLabels": {"a": "b"}}),
        "has 0 disruption budgets",
    ),
    (lambda m: named(m, "HorizontalPodAutoscaler", "order-service")["spec"].update(minReplicas=1), "do not fit"),
    (
        lambda m: named(m, "HorizontalPodAutoscaler", "order-service")["spec"]["scaleTargetRef"].update(
            name="payment-service"
        ),
        "has 2 autoscalers",
    ),
    (lambda m: remove(m, "NetworkPolicy", "default-deny"), "no policy denies"),
    (lambda m: remove(m, "NetworkPolicy", "dns"), "does not get through to DNS"),
    (lambda m: policy(m, "dns").update(policyTypes=["Ingress"]), "not in its policyTypes"),
    (lambda m: remove(m, "NetworkPolicy", "metrics"), "Prometheus does not get through"),
    (
        lambda m: named(m, "AuthorizationPolicy", "order-service")["spec"]["rules"][0]["to"][0]["operation"].update(
            paths=["/v1/orders", "/v1/orders/*"]
        ),
        "lets a customer GET /v1/events",
    ),
    (lambda m: remove(m, "NetworkPolicy", "mesh-control"), "to istiod on 15012"),
    (lambda m: policy(m, "order-service")["egress"][0]["to"].pop(0), "order-service does not get through"),
    (lambda m: policy(m, "payment-service")["ingress"][0]["ports"][0].update(port=8081), "does not get through"),
    (
        lambda m: policy(m, "payment-service")["ingress"][0].pop("from"),
        "a pod of another namespace gets through to payment-service",
    ),
    (
        lambda m: policy(m, "order-service-to-database")["egress"][0]["ports"][0].update(port=5433),
        "does not get through to orders-db",
    ),
    (lambda m: policy(m, "payments-db")["ingress"][0].pop("from"), "gets through to payments-db"),
    (lambda m: remove(m, "NetworkPolicy", "services-to-kafka"), "does not get through to Kafka"),
    (lambda m: remove(m, "NetworkPolicy", "services-to-the-internet"), "does not get through to login.example.com"),
    (
        lambda m: policy(m, "services-to-the-internet")["egress"][0]["to"][0]["ipBlock"].pop("except"),
        "a private address",
    ),
    (lambda m: settings_map(m, "order-service").update(PAYMENT_URL="http://payments:8080"), "nothing here answers to"),
    (lambda m: route(m, "order-service", "writes").update(retries={"attempts": 2}), "repeats writes"),
    (lambda m: route(m, "payment-service", "all").update(retries={"attempts": 2}), "repeat themselves"),
    (lambda m: route(m, "payment-service", "all").pop("retries"), "makes its own two"),
    (lambda m: route(m, "order-service", "reads").update(timeout="5s"), "ends before"),
    (lambda m: route(m, "order-service", "writes").update(timeout="20s"), "ends before the 40 s"),
    (lambda m: route(m, "order-service", "reads")["route"][0].update(weight=90), "has weights"),
    (lambda m: named(m, "DestinationRule", "order-service")["spec"].pop("subsets"), "no DestinationRule knows"),
    (
        lambda m: named(m, "DestinationRule", "order-service")["spec"]["trafficPolicy"].pop("outlierDetection"),
        "never takes out",
    ),
    (
        lambda m: named(m, "PeerAuthentication", "default")["spec"]["mtls"].update(mode="PERMISSIVE"),
        "mutual TLS strict",
    ),
    (lambda m: remove(m, "AuthorizationPolicy", "nothing"), "refuses what the others do not allow"),
    (lambda m: named(m, "AuthorizationPolicy", "payment-service")["spec"]["rules"][0].pop("from"), "who may call"),
    (lambda m: named(m, "KafkaTopic", "saga.replies")["spec"].update(partitions=3), "has 3 partitions"),
    (lambda m: remove(m, "KafkaTopic", "saga.replies"), "in the code or the manifests"),
    (
        lambda m: named(m, "ScaledObject", "payment-service")["spec"]["triggers"][0]["metadata"].update(
            topic="payments"
        ),
        "which the code does not have",
    ),
    (
        lambda m: named(m, "AnalysisTemplate", "order-service-canary")["spec"]["metrics"][0]["provider"][
            "prometheus"
        ].update(query="sum(rate(requests_total[5m]))"),
        "asks for requests_total",
    ),
    (
        lambda m: named(m, "AnalysisTemplate", "order-service-canary")["spec"]["metrics"][0]["provider"][
            "prometheus"
        ].update(query='rate(http_requests_total{code="500"}[5m])'),
        "by code, which it does not have",
    ),
    (
        lambda m: named(m, "Rollout", "order-service")["spec"]["strategy"]["canary"]["analysis"].update(args=[]),
        "do not agree on",
    ),
    (
        lambda m: named(m, "Rollout", "order-service")["spec"]["strategy"]["canary"]["trafficRouting"]["istio"][
            "virtualService"
        ].update(routes=["reads"]),
        "weighs",
    ),
    (
        lambda m: named(m, "Namespace", "holdfast")["metadata"].update(
            annotations={"chaos-mesh.org/inject": "enabled"}
        ),
        "open to chaos",
    ),
    (
        lambda m: named(m, "Namespace", "holdfast")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
        "restricted pod security",
    ),
    (
        lambda m: m.append({"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos", "metadata": {"name": "x"}}),
        "is a chaos experiment",
    ),
    (
        lambda m: m.append(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "auth", "namespace": "holdfast"}}
        ),
        "a secret in the repository",
    ),
    (lambda m: settings_map(m, "inventory-service").update(AUTH="off"), "lets everybody in"),
    (lambda m: settings_map(m, "inventory-service").update(DRAIN_SECS="5"), "which is no setting"),
    (lambda m: settings_map(m, "payment-service").update(PAYMENT_PROVIDER="builtin"), "plays with"),
    (lambda m: named(m, "Cluster", "orders-db")["spec"].update(instances=1), "loses acknowledged orders"),
    (
        lambda m: named(m, "Job", "order-service-migration")["spec"].pop("activeDeadlineSeconds"),
        "activeDeadlineSeconds",
    ),
    (
        lambda m: container(m)["envFrom"][0]["configMapRef"].update(name="order-service-settings"),
        "does not follow its content",
    ),
]
COUNT = len(BROKEN)


def check(texts, findings):
    """What was not found; `findings` takes an overlay's name and its manifests."""
    production = documents(texts["production"])
    for number, (break_it, expected) in enumerate(BROKEN):
        broken = copy.deepcopy(production)
        break_it(broken)
        found = list(findings("production", broken))
        if not any(expected in finding for finding in found):
            yield f"broken manifest {number} was not found ({expected}); found were {found[:3]}"
