"""Workflows of GitHub that are bounded, ask for no more rights than they need, and clean up."""

import glob
import os
import re

import yaml

from .manifests import ROOT, read


def check():
    makefile = read(os.path.join(ROOT, "Makefile"))
    for path in sorted(glob.glob(os.path.join(ROOT, ".github", "workflows", "*.yml"))):
        file = os.path.basename(path)
        text = read(path)
        workflow = yaml.safe_load(text)
        if "permissions" not in workflow:
            yield f"{file} has all rights"
        if "concurrency" not in workflow:
            yield f"{file} may run twice at once"
        for name, job in workflow["jobs"].items():
            yield from one(f"{file}, job {name}", job)
        for target in re.findall(r"\bmake ([a-z-]+)", text):
            if not re.search(rf"^{target}:", makefile, re.MULTILINE):
                yield f"{file} calls make {target}, which does not exist"
        for used in re.findall(r"\b((?:scripts|chaos-experiments|deployments|\.ci)/[\w./-]+)(?=[\s\"'|;]|$)", text):
            if "${{" not in used and not used.endswith("/") and not os.path.exists(os.path.join(ROOT, used)):
                yield f"{file} uses {used}, which does not exist"


def one(title, job):
    if "timeout-minutes" not in job:
        yield f"{title} may run for six hours"
    steps = job["steps"]
    for step in steps:
        if "uses" in step and not re.search(r"@v\d|@[0-9a-f]{40}$", step["uses"]):
            yield f"{title} uses {step['uses']}, whatever that is at the moment"
        # What comes from outside is data of a variable, not text of a script.
        if re.search(r"\$\{\{\s*(inputs|github\.event)\.", step.get("run", "")):
            yield f"{title} runs what somebody typed in"
    applied = [step for step in steps if re.search(r"kubectl apply .*chaos-experiments", step.get("run", ""))]
    removed = [
        step
        for step in steps
        if step.get("if") == "always()" and re.search(r"kubectl delete .*chaos-experiments", step.get("run", ""))
    ]
    if applied and not removed:
        yield f"{title} leaves experiments behind when it fails"
