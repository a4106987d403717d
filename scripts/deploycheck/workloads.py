"""Pods that start, stop, spread and scale as they should, and may do nothing they need not."""

from .manifests import labels, matches, name, of_kind, pod_template, settings

# What a service needs beyond its drain time, in seconds, to write its last lines and be reaped.
SLACK = 5


def check(manifests):
    for workload in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        template = pod_template(workload)
        yield from security(workload, template)
        yield from images_and_resources(workload, template)
        yield from secrets(manifests, workload, template)
        if workload["kind"] != "Job":
            yield from probes(workload, template)
            yield from shutdown(manifests, workload, template)
    for deployment in of_kind(manifests, "Deployment"):
        yield from rollout(deployment)
        yield from scaling(manifests, deployment)
    for job in of_kind(manifests, "Job"):
        for field in ("backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
            if field not in job["spec"]:
                yield f"{name(job)} has no {field}"


def probes(workload, template):
    """Three probes that ask three things, on the admin port."""
    for container in template["spec"]["containers"]:
        paths = {}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = (container.get(probe) or {}).get("httpGet")
            if not get:
                yield f"{name(workload)} has no {probe} over HTTP"
                continue
            paths[probe] = get["path"]
            if get["port"] != "admin":
                yield f"{name(workload)} asks its {probe} on the port {get['port']}, not on admin"
            timeout, period = container[probe].get("timeoutSeconds", 1), container[probe].get("periodSeconds", 10)
            if not 2 <= timeout <= period:
                yield f"{name(workload)} gives its {probe} {timeout} s every {period} s"
        if len(set(paths.values())) != len(paths):
            yield f"{name(workload)} has probes that ask the same: {paths}"
        if "ready" in paths.get("livenessProbe", ""):
            yield f"{name(workload)} would be restarted for what its dependencies do: {paths['livenessProbe']}"


def shutdown(manifests, workload, template):
    """The grace period covers the wait before SIGTERM, the drain and the last lines."""
    drain = float(settings(manifests, workload).get("DRAIN_SECONDS", 20))
    grace = template["spec"].get("terminationGracePeriodSeconds", 30)
    for container in template["spec"]["containers"]:
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if sleep < 5:
            yield f"{name(workload)} waits {sleep} s before SIGTERM: endpoints still lead to it"
        if grace < sleep + drain + SLACK:
            yield f"{name(workload)} is killed after {grace} s, but needs {sleep} + {drain:g} + {SLACK} s to stop"


def security(workload, template):
    pod = template["spec"]
    context = pod.get("securityContext", {})
    demands = [
        (context.get("runAsNonRoot") is True, "may run as root"),
        (min(context.get("runAsUser", 0), context.get("runAsGroup", 0)) >= 10000, "has a uid or gid below 10000"),
        (context.get("seccompProfile", {}).get("type") == "RuntimeDefault", "has no seccomp profile"),
        (pod.get("automountServiceAccountToken") is False, "gets a token of the Kubernetes API"),
        (pod.get("enableServiceLinks") is False, "gets every service as environment variables"),
        (pod.get("serviceAccountName") == labels(workload).get("app.kubernetes.io/name"), "has no account of its own"),
        (not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), "shares the node's namespaces"),
        (not any("hostPath" in volume for volume in pod.get("volumes") or []), "mounts the node's files"),
    ]
    for container in pod["containers"] + (pod.get("initContainers") or []):
        own = container.get("securityContext", {})
        demands += [
            (own.get("allowPrivilegeEscalation") is False, "may gain privileges"),
            (own.get("readOnlyRootFilesystem") is True, "may write to its root file system"),
            (own.get("capabilities", {}).get("drop") == ["ALL"], "keeps capabilities"),
            (not own.get("capabilities", {}).get("add"), "adds capabilities"),
        ]
    for holds, text in demands:
        if not holds:
            yield f"{name(workload)} {text}"


def images_and_resources(workload, template):
    for container in template["spec"]["containers"]:
        image = container["image"]
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest"):
            yield f"{name(workload)} runs whatever {image} is at the moment"
        resources = container.get("resources", {})
        for kind, resource in (
            ("requests", "cpu"),
            ("requests", "memory"),
            ("limits", "memory"),
            ("requests", "ephemeral-storage"),
            ("limits", "ephemeral-storage"),
        ):
            if resource not in resources.get(kind, {}):
                yield f"{name(workload)} has no {resource} in its {kind}"
    for volume in template["spec"].get("volumes") or []:
        if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
            yield f"{name(workload)} has the volume {volume['name']} without a limit"


def secrets(manifests, workload, template):
    """Secrets come as files, and every file that a setting names is mounted."""
    for container in template["spec"]["containers"]:
        for variable in container.get("env") or []:
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield f"{name(workload)} has the secret {variable['name']} in its environment"
        if any("secretRef" in source for source in container.get("envFrom") or []):
            yield f"{name(workload)} has a secret in its environment"
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts") or []]
        for key, value in settings(manifests, workload).items():
            if key.endswith("_FILE") and not any(value.startswith(mount + "/") for mount in mounts):
                yield f"{name(workload)} names {value} in {key}, where nothing is mounted"
            if any(word in key for word in ("PASSWORD", "SECRET", "TOKEN")) and not key.endswith("_FILE"):
                yield f"{name(workload)} has {key} in the clear"


def rollout(deployment):
    spec = deployment["spec"]
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if rolling.get("maxUnavailable") != 0:
        yield f"{name(deployment)} takes pods away before new ones serve"
    if spec.get("progressDeadlineSeconds", 0) <= spec.get("minReadySeconds", 0):
        yield f"{name(deployment)} gives up before a pod counts as ready"
    if "replicas" in spec:
        yield f"{name(deployment)} sets replicas, which its autoscaler owns"
    pod = spec["template"]["spec"]
    keys = {constraint["topologyKey"] for constraint in pod.get("topologySpreadConstraints") or []}
    if not keys >= {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
        yield f"{name(deployment)} is not spread over nodes and zones"
    selectors = [constraint["labelSelector"] for constraint in pod.get("topologySpreadConstraints") or []]
    for term in (
        pod.get("affinity", {}).get("podAntiAffinity", {}).get("preferredDuringSchedulingIgnoredDuringExecution") or []
    ):
        selectors.append(term["podAffinityTerm"]["labelSelector"])
    for selector in selectors:
        if not matches(selector, spec["template"]["metadata"]["labels"]):
            yield f"{name(deployment)} is spread over pods that are not its own: {selector}"
    if not pod.get("priorityClassName"):
        yield f"{name(deployment)} has no priority"


def scaling(manifests, deployment):
    """One autoscaler and one disruption budget that leaves it room."""
    own = deployment["metadata"]["name"]
    scalers = []
    for kind, low, high in (
        ("HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
        ("ScaledObject", "minReplicaCount", "maxReplicaCount"),
    ):
        for scaler in of_kind(manifests, kind):
            target = scaler["spec"]["scaleTargetRef"]
            if target["name"] == own and target.get("kind", "Deployment") in ("Deployment", "Rollout"):
                scalers.append((scaler, scaler["spec"].get(low, 1), scaler["spec"][high]))
    if len(scalers) != 1:
        yield f"{name(deployment)} has {len(scalers)} autoscalers: {', '.join(name(each[0]) for each in scalers)}"
    pod = deployment["spec"]["template"]["metadata"]["labels"]
    budgets = [
        budget
        for budget in of_kind(manifests, "PodDisruptionBudget")
        if matches(budget["spec"].get("selector") or {}, pod)
    ]
    if len(budgets) != 1:
        yield f"{name(deployment)} has {len(budgets)} disruption budgets"
    for budget in budgets:
        for scaler, least, most in scalers:
            away = budget["spec"].get("maxUnavailable")
            left = least - away if isinstance(away, int) else budget["spec"].get("minAvailable", least)
            if not isinstance(left, int) or left < 1 or left >= least:
                yield f"{name(budget)} and {name(scaler)} do not fit: of {least} replicas {left} have to stay"
            if most < least or least < 2:
                yield f"{name(scaler)} goes from {least} to {most} replicas"
        if budget["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{name(budget)} lets pods that are not ready block a drain"
