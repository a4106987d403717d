"""The topics of the code, and those that the deployments make."""

import functools
import os
import re

from .manifests import ROOT, name, of_kind, read


@functools.lru_cache(maxsize=None)
def in_code():
    """The partitions of every topic: what the embedded broker makes is what the services expect."""
    specification = read(os.path.join(ROOT, "Sources", "DevBroker", "TopicSpecification.swift"))
    partitions = dict(re.findall(r"static let (command|event)Partitions: Int32 = (\d+)", specification))
    commands, events, further = (
        re.findall(r'"([a-z.]+)"', re.search(pattern + r"\[(.*?)\]", specification).group(1))
        for pattern in (r"let commands = ", r"let events = ", r"let consumed = commands \+ ")
    )
    topics = {topic: int(partitions["command"]) for topic in commands}
    topics.update({topic: int(partitions["event"]) for topic in events})
    topics.update({f"{topic}.dead-letter": 1 for topic in commands + further})
    return topics


def check(manifests):
    topics = {topic["metadata"]["name"]: topic["spec"] for topic in of_kind(manifests, "KafkaTopic")}
    if topics and set(topics) != set(in_code()):
        yield f"the topics {sorted(set(topics) ^ set(in_code()))} are in the code or the manifests, not in both"
    for topic, spec in topics.items():
        if topic in in_code() and spec["partitions"] != in_code()[topic]:
            yield f"KafkaTopic/{topic} has {spec['partitions']} partitions, not {in_code()[topic]}"
    for scaler in of_kind(manifests, "ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            topic = trigger.get("metadata", {}).get("topic")
            if trigger["type"] != "kafka":
                continue
            if topic not in in_code():
                yield f"{name(scaler)} follows {topic}, which the code does not have"
            elif scaler["spec"]["maxReplicaCount"] > in_code()[topic]:
                yield f"{name(scaler)} makes more replicas than {topic} has partitions"


def compose():
    """The same for the script that makes the topics under Compose."""
    script = read(os.path.join(ROOT, "deployments", "compose", "kafka", "create-topics.sh")).replace("\\\n", " ")
    made = {}
    for partitions, names in re.findall(r"^create (\d+) (.+)$", script, re.MULTILINE):
        made.update({topic: int(partitions) for topic in names.split()})
    if made != in_code():
        yield f"create-topics.sh makes {made}, the code has {in_code()}"
