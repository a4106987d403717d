"""What the stack's own Prometheus sees: every target, every rule, and an answer to every query of the dashboards."""

import os
import sys
import time
from urllib.parse import quote

from .http import request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def ask(stack, path):
    answer = request(stack.ports["prometheus"], "GET", f"/api/v1/{path}", timeout=15)
    return answer.json if answer.body.startswith(b"{") else {"status": "error", "error": repr(answer)}


def violations(stack, replicas, patience=60):
    """What is not as it should be after some orders; targets get some time to be found."""
    end = time.monotonic() + patience
    wanted = 4 * replicas + 1
    while True:
        targets = ask(stack, "targets").get("data", {}).get("activeTargets", [])
        up = [target for target in targets if target["health"] == "up"]
        if len(up) == wanted or time.monotonic() > end:
            break
        time.sleep(1)
    if len(up) != wanted:
        yield f"Prometheus reaches {len(up)} of {wanted} targets: " + ", ".join(
            f"{target['scrapeUrl']} {target['lastError']}" for target in targets if target["health"] != "up"
        )
    rules = [rule for group in ask(stack, "rules").get("data", {}).get("groups", []) for rule in group["rules"]]
    if not rules:
        yield "Prometheus has no rules"
    for rule in rules:
        if rule["health"] == "err":
            yield f"rule {rule['name']}: {rule['lastError']}"
        if rule["type"] == "alerting" and rule["state"] == "firing":
            yield f"alert {rule['name']} fires although nothing is wrong"
    yield from queries(stack)


def queries(stack):
    try:
        from deploycheck import observability
    except ImportError:
        print("compose-test: dashboards: not asked, there is no PyYAML", flush=True)
        return
    silent = []
    everything = list(observability.queries())
    for where, query in everything:
        answer = ask(stack, f"query?query={quote(query, safe='')}")
        if answer["status"] != "success":
            yield f"{where}: {answer.get('error')}"
        elif not answer["data"]["result"]:
            silent.append(where)
    print(
        f"compose-test: dashboards: {len(everything)} queries answered, {len(silent)} of them with nothing yet"
        + (": " + "; ".join(silent) if silent else ""),
        flush=True,
    )
