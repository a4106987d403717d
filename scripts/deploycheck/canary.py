"""Analyses of a canary ask for metrics that exist, by arguments that are given."""

import re

from . import metrics
from .manifests import name, of_kind


def check(manifests, known):
    templates = {template["metadata"]["name"]: template for template in of_kind(manifests, "AnalysisTemplate")}
    for template in templates.values():
        for metric in template["spec"]["metrics"]:
            query = metric["provider"]["prometheus"]["query"]
            yield from metrics.check_query(f"{name(template)} {metric['name']}", query, known)
            for condition in ("successCondition", "failureCondition", "inconclusiveLimit", "failureLimit"):
                if condition not in metric:
                    yield f"{name(template)} {metric['name']} has no {condition}"
    for rollout in of_kind(manifests, "Rollout"):
        analysis = rollout["spec"]["strategy"]["canary"].get("analysis")
        if not analysis:
            yield f"{name(rollout)} goes on without looking"
            continue
        given = {argument["name"] for argument in analysis.get("args") or []}
        for reference in analysis["templates"]:
            template = templates.get(reference["templateName"])
            if not template:
                yield f"{name(rollout)} has no template {reference['templateName']}"
                continue
            declared = {argument["name"]: "value" in argument for argument in template["spec"].get("args") or []}
            lacking = {argument for argument, has_value in declared.items() if not has_value} - given
            used = set(re.findall(r"\{\{args\.([a-z-]+)\}\}", str(template)))
            if lacking or used - set(declared):
                yield f"{name(rollout)} and {name(template)} do not agree on {sorted(lacking | (used - set(declared)))}"
        routes = rollout["spec"]["strategy"]["canary"]["trafficRouting"]["istio"]["virtualService"]
        for service in of_kind(manifests, "VirtualService"):
            names = [rule.get("name") for rule in service["spec"]["http"]]
            if service["metadata"]["name"] == routes["name"] and set(names) != set(routes["routes"]):
                yield f"{name(rollout)} weighs {routes['routes']}, but {name(service)} has {names}"
