#!/bin/bash
# Creates the topics of the suite that are not there yet; waits for the broker as long as its tools do, a minute.
#
# Commands and replies have as many partitions as replicas may share them, facts have fewer readers. What a service consumes
# has a topic for what could not be processed.
set -euo pipefail
tool() { /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$KAFKA_BOOTSTRAP" "$@"; }

existing=$(tool --list)
create() {
    local partitions=$1 topic
    for topic in "${@:2}"; do
        grep -qx "$topic" <<<"$existing" && continue
        tool --create --if-not-exists --topic "$topic" --partitions "$partitions" --replication-factor 1
    done
}
create 12 inventory.commands payment.commands shipping.commands saga.replies
create 4 order.events inventory.events payment.events shipping.events
create 1 inventory.commands.dead-letter payment.commands.dead-letter shipping.commands.dead-letter saga.replies.dead-letter \
    order.events.dead-letter shipping.events.dead-letter
