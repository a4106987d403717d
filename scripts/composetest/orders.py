"""Orders whose end is known beforehand, and a load that keeps asking until it knows what became of each."""

import random
import threading
import time

from .http import request

SKUS = ["T-LAMP", "T-CHAIR", "T-DESK"]
SCARCE = "T-PRINT"
PRICES = {"T-LAMP": 1999, "T-CHAIR": 7900, "T-DESK": 24900, SCARCE: 4500}
ADDRESS = {"name": "A", "street": "B 1", "city": "C", "postalCode": "1000"}
CONFIRMED = ("confirmed", "shipped", "delivered")


class Order:
    """What is asked for, and how it has to end."""

    def __init__(self, key, lines, token="tok_ok", country="DE"):
        self.key, self.lines, self.token, self.country = key, lines, token, country
        self.answers = set()
        self.id = None
        self.was_repeated = False
        self.acknowledged_at = None

    @property
    def body(self):
        return {
            "customerId": "c-test",
            "currency": "EUR",
            "lines": self.lines,
            "payment": {"token": self.token},
            "shipTo": dict(ADDRESS, country=self.country),
        }

    @property
    def total(self):
        return sum(PRICES[line["sku"]] * line["quantity"] for line in self.lines)

    @property
    def reason(self):
        """The reason of its rejection; None when it is to be confirmed."""
        if any(line["quantity"] == 1000 for line in self.lines):
            return "out-of-stock"
        if self.token == "tok_declined":
            return "payment-declined"
        if self.country == "AQ":
            return "shipping-unavailable"
        return None

    def may_end(self, status, reason, under_faults):
        """Whether it may end so: a fault may cost an order its time, never give it another outcome."""
        if status == "rejected" and reason == "timed-out":
            return under_faults
        if self.reason is None:
            return status in CONFIRMED and reason is None
        return status == "rejected" and reason == self.reason


def mixed(name, count, seed):
    """Orders of every kind: seven in ten are to be confirmed."""
    generator = random.Random(f"{seed}/{name}")
    orders = []
    for number in range(count):
        skus = generator.sample(SKUS, generator.randint(1, len(SKUS)))
        lines = [{"sku": sku, "quantity": generator.randint(1, 3)} for sku in skus]
        kind = number % 10
        token, country = "tok_ok", "DE"
        if kind == 3:
            lines = [{"sku": SCARCE, "quantity": 1000}]
        elif kind == 5:
            token = "tok_declined"
        elif kind == 7:
            country = "AQ"
        elif kind in (8, 9):
            token = "tok_slow" if kind == 8 else "tok_flaky"
        orders.append(Order(f"{name}-{number}", lines, token, country))
    return orders


def stock(stack):
    """A catalogue with plenty of everything but of the scarce item."""
    port = stack.api("inventory-service")
    for sku, price in PRICES.items():
        item = {"name": sku.title(), "unitPrice": {"amount": price, "currency": "EUR"}}
        answer = request(port, "PUT", f"/v1/items/{sku}", item)
        assert answer.status in (200, 201), answer
        quantity = 3 if sku == SCARCE else 1_000_000
        answer = request(
            port, "POST", f"/v1/items/{sku}/receipts", {"quantity": quantity}, {"Idempotency-Key": f"stock-{sku}"}
        )
        assert answer.status == 201, answer


class Load:
    """Places orders at a steady rate, each until it is acknowledged; every seventh is sent to two replicas at once."""

    def __init__(self, stack, orders, rate):
        self.stack, self.orders, self.rate = stack, orders, rate
        self.began = time.monotonic()
        self.threads = []
        self.given_up = threading.Event()
        self.starter = threading.Thread(target=self._start, daemon=True)
        self.starter.start()

    def _start(self):
        for number, order in enumerate(self.orders):
            delay = self.began + number / self.rate - time.monotonic()
            if delay > 0 and self.given_up.wait(delay):
                return
            for copy in range(2 if number % 7 == 0 else 1):
                replica = (number + copy) % self.stack.replicas + 1
                thread = threading.Thread(target=self._place, args=(order, replica), daemon=True)
                thread.start()
                self.threads.append(thread)

    def _place(self, order, replica):
        while not self.given_up.is_set():
            answer = request(
                self.stack.api("order-service", replica),
                "POST",
                "/v1/orders",
                order.body,
                {"Idempotency-Key": order.key},
                timeout=12,
            )
            if answer.is_success:
                order.answers.add(answer.body)
                order.id = answer.json["id"]
                order.acknowledged_at = order.acknowledged_at or time.monotonic()
                return
            if answer.status is not None and 400 <= answer.status < 500 and answer.status not in (409, 429):
                order.answers.add(answer.body)
                return
            order.was_repeated = True
            # The same key again, at the other replica if there is one: whatever became of the first, this tells.
            replica = replica % self.stack.replicas + 1
            self.given_up.wait(0.25)

    def finish(self, limit):
        """Waits until every order is acknowledged; False when some are not after `limit` seconds."""
        end = time.monotonic() + limit
        self.starter.join(max(0.0, end - time.monotonic()))
        for thread in list(self.threads):
            thread.join(max(0.0, end - time.monotonic()))
        is_done = not self.starter.is_alive() and not any(thread.is_alive() for thread in self.threads)
        self.given_up.set()
        return is_done

    def longest_silence(self):
        """Seconds between two acknowledgements that follow each other."""
        times = sorted(order.acknowledged_at for order in self.orders if order.acknowledged_at)
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)
