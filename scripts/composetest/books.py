"""The promises, checked on the books of the four services and on every order that was acknowledged."""

import time

from .http import request
from .orders import CONFIRMED
from .stack import SERVICES


def audits(stack):
    """The audit of each service by its name; None while one does not answer."""
    books = {}
    for service in SERVICES:
        answers = (
            request(stack.api(service, replica), "GET", "/v1/audit", timeout=5)
            for replica in range(1, stack.replicas + 1)
        )
        answer = next((answer for answer in answers if answer.status == 200), None)
        if answer is None:
            return None
        books[service] = answer.json
    return books


def at_rest(books):
    sagas = books["order-service"]["sagas"]
    return (
        books["order-service"]["orders"]["pending"] == 0
        and all(sagas[status] == 0 for status in ("running", "compensating", "parked"))
        and all(book["outboxPending"] == 0 for book in books.values())
        # A confirmed order's goods leave the stock a moment after its confirmation.
        and books["inventory-service"]["reservations"]["reserved"] == 0
    )


def await_rest(stack, limit):
    """The books once nothing is under way, and how long that took; the last ones seen when it takes over `limit`."""
    began = time.monotonic()
    books = None
    while time.monotonic() - began < limit:
        seen = audits(stack)
        books = seen or books
        if seen and at_rest(seen):
            return seen, time.monotonic() - began
        time.sleep(0.25)
    return books, None


def stock_violations(books):
    """What does not hold although it has to at any instant."""
    for item in books["inventory-service"]["items"]:
        parts = [item[part] for part in ("available", "reserved", "shipped")]
        if item["received"] != sum(parts) or min(parts) < 0:
            yield f"stock-conserved: {item}"


def violations_at_rest(books):
    """What does not hold although nothing is under way."""
    yield from stock_violations(books)
    order, inventory, payment, shipping = (books[service] for service in SERVICES)
    if not at_rest(books):
        yield f"one-final-state: {order['orders']}, {order['sagas']}, " + ", ".join(
            f"{name} outbox {book['outboxPending']}" for name, book in books.items()
        )
    for status in ("quarantined", "overdue"):
        if order["sagas"][status]:
            yield f"one-final-state: {order['sagas'][status]} sagas are {status}"
    for status in ("pending", "in-doubt"):
        if payment["payments"][status]:
            yield f"money-at-most-once: {payment['payments'][status]} payments are {status}"
    for currency in set(order["totals"]) | set(payment["totals"]):
        confirmed = order["totals"].get(currency, {}).get("confirmed", 0)
        money = payment["totals"].get(currency, {"captured": 0, "refunded": 0})
        if money["captured"] - money["refunded"] != confirmed:
            yield f"money-at-most-once: {currency} {money} is not {confirmed}"
    confirmed = sum(order["orders"][status] for status in CONFIRMED)
    goods = sum(shipping["shipments"][status] for status in ("booked", "dispatched", "delivered"))
    for name, count in (
        ("payments stand", payment["payments"]["captured"]),
        ("shipments stand", goods),
        ("reservations are shipped", inventory["reservations"]["shipped"]),
        ("sagas are completed", order["sagas"]["completed"]),
    ):
        if count != confirmed:
            yield f"no-money-without-goods: {confirmed} orders are confirmed, {count} {name}"
    for name, book in books.items():
        if book["deadLetters"]:
            yield f"nothing-dropped-silently: {name} has {book['deadLetters']} dead letters"


def ledger_violations(stack, books):
    """What the provider's and the carrier's own ledger says otherwise than ours."""
    answer = request(stack.api("provider-simulator"), "GET", "/control/ledger", timeout=5)
    if answer.status != 200:
        yield f"provider-simulator shows no ledger: {answer.status}"
        return
    ledger = answer.json
    ours = books["payment-service"]["totals"]
    for currency in set(ours) | set(ledger["totals"]):
        nothing = {"captured": 0, "refunded": 0}
        theirs, own = ledger["totals"].get(currency, nothing), ours.get(currency, nothing)
        # A charge whose answer was lost may be known to us as refunded alone: what must agree is what stands.
        if theirs["captured"] - theirs["refunded"] != own["captured"] - own["refunded"]:
            yield f"money-at-most-once: the provider's ledger has {theirs} in {currency}, ours {own}"
    shipments = books["shipping-service"]["shipments"]
    goods = sum(shipments[status] for status in ("booked", "dispatched", "delivered"))
    booked = sum(count for status, count in ledger["bookings"].items() if status not in ("cancelled", "refused"))
    if booked != goods:
        yield f"no-money-without-goods: the carrier has {ledger['bookings']}, ours are {shipments}"


def order_violations(stack, orders, under_faults):
    """What does not hold of single orders: kept, one answer for one key, the end it has to have, its money."""
    ids = {}
    for order in orders:
        if order.id is None:
            yield f"{order.key} was not acknowledged in time: {order.answers or 'no answer'}"
            continue
        if len(order.answers) != 1:
            yield f"same-key-same-answer: {order.key} has {len(order.answers)} answers"
        if ids.setdefault(order.id, order.key) != order.key:
            yield f"same-key-same-answer: {order.key} and {ids[order.id]} share {order.id}"
        answer = request(stack.api("order-service"), "GET", f"/v1/orders/{order.id}")
        if answer.status != 200:
            yield f"acknowledged-is-kept: {order.id} answers {answer.status}"
            continue
        yield from _single(order, answer.json, under_faults)


def _single(order, seen, under_faults):
    status, reason, payment = seen["status"], seen["reason"], seen["payment"]
    if not order.may_end(status, reason, under_faults):
        yield f"one-final-state: {order.key} ({order.token}, {order.country}) is {status}, {reason}"
    if seen["degraded"]:
        yield f"{order.key} is shown without its {', '.join(seen['degraded'])}"
        return
    captured = payment["captured"]["amount"] if payment else 0
    refunded = payment["refunded"]["amount"] if payment else 0
    if status in CONFIRMED:
        if (captured, refunded) != (order.total, 0) or seen["total"]["amount"] != order.total:
            yield f"money-at-most-once: {order.key} of {order.total} captured {captured}, refunded {refunded}"
        if not seen["shipment"] or seen["shipment"]["status"] == "cancelled":
            yield f"no-money-without-goods: {order.key} is {status} without a shipment"
    elif captured != refunded:
        yield f"no-money-without-goods: {order.key} is {status} and keeps {captured - refunded}"
    done = [
        entry["step"]
        for entry in seen["timeline"]
        if entry["kind"] == "action" and entry["status"] in ("succeeded", "unknown")
    ]
    undone = [entry["undoes"] for entry in seen["timeline"] if entry["kind"] == "compensation"]
    if status not in CONFIRMED and undone != done[::-1]:
        yield f"compensated-in-reverse: {order.key} did {done}, undid {undone}"
