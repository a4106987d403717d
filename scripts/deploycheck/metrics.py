"""Metrics that queries ask for, against those the code declares."""

import functools
import os
import re

from .manifests import ROOT, read

# Labels that Prometheus and Kubernetes put there.
PLATFORM_LABELS = {
    "le",
    "job",
    "instance",
    "pod",
    "namespace",
    "container",
    "severity",
    "alertname",
    "quantile",
    "slo",
    "window",
}
# Metrics of others that queries may use.
FOREIGN = {"up": set()}
KEYWORDS = {
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
}

# Strings, ranges, names with what follows them (a call's bracket, or the braces of labels), numbers.
LABELS = r'\{(?:"(?:\\.|[^"\\])*"|[^}"])*\}'
TOKEN = r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|' rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?P<after>\(|{LABELS})?|[0-9.]+\w*"


@functools.lru_cache(maxsize=None)
def in_code():
    """The labels of every metric by its name; a histogram has three names."""
    found = dict(FOREIGN)
    for folder, _, files in os.walk(os.path.join(ROOT, "Sources")):
        for file in files:
            if not file.endswith(".swift"):
                continue
            for kind, metric, rest in declarations(read(os.path.join(folder, file))):
                lists = re.findall(r"(?:labels|constants): \[(.*?)\]", rest, re.DOTALL)
                labels = set(re.findall(r'"([a-z_]+)"', " ".join(lists)))
                names = [metric]
                if kind == "histogram":
                    names = [f"{metric}_bucket", f"{metric}_sum", f"{metric}_count"]
                for each in names:
                    found[each] = found.get(each, set()) | labels
    return found


def declarations(text):
    for match in re.finditer(r"\.(counter|gauge|histogram|observedGauge|observedCounter)\(\s*\"([a-z_]+)\"", text):
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield match.group(1), match.group(2), text[match.end() : end]


def in_query(query):
    """The metrics of a PromQL expression, each with the labels it is asked by."""
    query = re.sub(r"\$\{?[a-zA-Z_]+(?::\w+)?\}?|\{\{.*?\}\}", "x", query)
    query = re.sub(r"#.*", "", query)
    grouped = set()
    for labels in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", query):
        grouped |= {label.strip() for label in labels.split(",") if label.strip()}
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", query)
    metrics = {}
    for match in re.finditer(TOKEN, bare):
        metric = match.group("name")
        after = match.group("after") or ""
        if not metric or after == "(" or metric in KEYWORDS:
            continue
        own = set(re.findall(r"([a-zA-Z_]+)\s*(?:=~|!~|!=|=)", re.sub(r'"(?:\\.|[^"\\])*"', '""', after)))
        metrics.setdefault(metric, set()).update(own)
    return metrics, grouped


def check_query(where, query, known):
    """Findings about one query; `known` are the code's metrics and the rules' recordings with their labels."""
    metrics, grouped = in_query(query)
    if not metrics:
        yield f"{where} asks for no metric: {query}"
    everything = set(PLATFORM_LABELS)
    for metric, labels in metrics.items():
        if metric not in known:
            yield f"{where} asks for {metric}, which the code does not have"
            continue
        everything |= known[metric]
        for label in sorted(labels - known[metric] - PLATFORM_LABELS):
            yield f"{where} asks {metric} by {label}, which it does not have"
    if all(metric in known for metric in metrics):
        for label in sorted(grouped - everything):
            yield f"{where} groups by {label}, which none of its metrics has"
