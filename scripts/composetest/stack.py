"""The stack of docker-compose.yml under a project name and ports of its own, so that it disturbs no other."""

import json
import os
import socket
import subprocess
import time

from .http import request

SERVICES = ["order-service", "inventory-service", "payment-service", "shipping-service"]
SERVERS = ["postgres", "kafka", "provider-simulator"]


class StackError(Exception):
    """The stack does not do what it is told; the text says what it did instead."""


def free_ports(count):
    """Ports that nobody listens on; held open together so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Stack:
    """Containers of one Compose project; `close` removes them with their volumes."""

    def __init__(self, compose, replicas):
        self.compose = compose
        self.project = f"holdfast-test-{os.getpid()}"
        names = [f"{service}-{port}" for service in SERVICES for port in ("api", "admin")]
        if replicas:
            names += [f"{service}-2-{port}" for service in SERVICES for port in ("api", "admin")]
        names += ["postgres", "broker", "provider-simulator-api", "provider-simulator-admin", "prometheus"]
        self.ports = dict(zip(names, free_ports(len(names))))
        self.replicas = 2 if replicas else 1
        self.environment = dict(os.environ, COMPOSE=compose, COMPOSE_PROJECT_NAME=self.project)
        for name, port in self.ports.items():
            self.environment[self._variable(name)] = str(port)
        if replicas:
            self.environment["COMPOSE_PROFILES"] = "replicas"

    @staticmethod
    def _variable(name):
        base = name[: -len("-api")] if name.endswith("-api") else name
        return "HOLDFAST_" + base.upper().replace("-", "_") + "_PORT"

    @property
    def containers(self):
        """The names of the long-running containers that promises depend on."""
        second = [f"{service}-2" for service in SERVICES] if self.replicas == 2 else []
        return SERVERS + SERVICES + second

    def _run(self, command, timeout=600, check=True):
        result = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout
        )
        if check and result.returncode != 0:
            raise StackError(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout[-4000:]}")
        return result.stdout

    def up(self):
        self.environment.setdefault("WAIT_SECONDS", "180")
        self._run(["scripts/compose-up"], timeout=1800)

    def close(self):
        self._run(["scripts/compose", "down", "--volumes", "--remove-orphans", "--timeout", "30"], check=False)

    def logs(self, lines):
        return self._run(["scripts/compose", "logs", f"--tail={lines}", "--no-color"], check=False)

    def id(self, container):
        """The container's id, also while it is stopped."""
        label = f"label=com.docker.compose.project={self.project}"
        output = self._run(
            [
                "docker",
                "ps",
                "--all",
                "--quiet",
                "--filter",
                label,
                "--filter",
                f"label=com.docker.compose.service={container}",
            ]
        )
        if len(output.split()) != 1:
            raise StackError(f"{container} should be one container, docker says {output!r}")
        return output.strip()

    def docker(self, verb, container):
        """Runs `docker <verb>` on one container. A freeze that meets a health check in its first moment fails: it is tried
        again."""
        for attempt in (1, 2, 3):
            try:
                self._run(["docker", verb, self.id(container)])
                return
            except StackError as error:
                if "unable to freeze" not in str(error) or attempt == 3:
                    raise
                time.sleep(0.5)

    def image_size(self, service):
        """Bytes of the service's image."""
        image = self._run(["docker", "inspect", "--format", "{{.Image}}", self.id(service)]).strip()
        return int(self._run(["docker", "image", "inspect", "--format", "{{.Size}}", image]))

    def state(self, container):
        return json.loads(self._run(["docker", "inspect", "--format", "{{json .State}}", self.id(container)]))

    def await_ready(self, limit):
        """Waits until every replica of every service says that it is ready."""
        end = time.monotonic() + limit
        admins = {name: port for name, port in self.ports.items() if name.endswith("-admin")}
        while True:
            waiting = [
                name for name, port in admins.items() if request(port, "GET", "/health/ready", timeout=2).status != 200
            ]
            if not waiting:
                return
            if time.monotonic() > end:
                raise StackError(f"not ready after {limit} s: {', '.join(waiting)}")
            time.sleep(0.2)

    def api(self, service, replica=1):
        """The host's port of a service's API."""
        return self.ports[f"{service}-api" if replica == 1 else f"{service}-{replica}-api"]
