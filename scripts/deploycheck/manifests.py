"""Rendering and reading manifests."""

import os
import shutil
import subprocess

import yaml

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
KUBERNETES = os.path.join(ROOT, "deployments", "kubernetes")
OVERLAYS = ["local", "staging", "production"]
# Overlays that holdfast load has a Job for.
LOADS = ["local", "staging"]


class RenderError(Exception):
    """An overlay cannot be rendered; the text is the tool's own."""


class ToolMissing(Exception):
    """There is nothing to render with."""


def render(folder):
    """The text of what is applied for a folder with a kustomization."""
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize", folder]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build", folder]
    else:
        raise ToolMissing("neither kubectl nor kustomize is there to render with")
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RenderError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def name(document):
    """Kind/name, as findings say it."""
    return f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"


def of_kind(manifests, *kinds):
    return [document for document in manifests if document.get("kind") in kinds]


def labels(document):
    return document.get("metadata", {}).get("labels") or {}


def pod_template(document):
    """The pod template of a workload; None for what makes no pods of its own."""
    return document.get("spec", {}).get("template") if document.get("kind") in WORKLOADS else None


WORKLOADS = ("Deployment", "StatefulSet", "Job")


def matches(selector, have):
    """Whether labels satisfy a selector; an empty one takes all."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if have.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
        holds = {
            "In": have.get(key) in values,
            "NotIn": have.get(key) not in values,
            "Exists": key in have,
            "DoesNotExist": key not in have,
        }[operator]
        if not holds:
            return False
    return True


def settings(manifests, workload):
    """The plain settings a workload's containers read: from config maps and their own environment."""
    found = {}
    maps = {document["metadata"]["name"]: document.get("data") or {} for document in of_kind(manifests, "ConfigMap")}
    for container in workload["spec"]["template"]["spec"]["containers"]:
        for source in container.get("envFrom") or []:
            found.update(maps.get(source.get("configMapRef", {}).get("name"), {}))
        for variable in container.get("env") or []:
            if "value" in variable:
                found[variable["name"]] = variable["value"]
    return found
