# The images of the suite. One stage compiles every program; each target below holds one of them.
#
#   docker build --target order-service --tag holdfast/order-service .
#
# Written for any builder: no frontend to be fetched, no mounts. `make images` builds all targets.

ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        binutils libcurl4-openssl-dev libpq-dev librdkafka-dev libssl-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY scripts/build scripts/
COPY Sources Sources
# Leaves the tests out of the manifest, whose folders are not copied. What only a debugger reads is taken out of the
# programs; the names that a backtrace shows stay.
RUN export HOLDFAST_WITHOUT_TESTS=1 \
    && scripts/build release \
    && mkdir /programs /data \
    && for program in \
        holdfast message-tool fault-proxy \
        order-service inventory-service payment-service shipping-service provider-simulator; do \
        strip --strip-debug -o "/programs/$program" ".build/release/$program" || exit 1; \
    done

# What the programs need at run time: their C libraries, and whom to trust over HTTPS. Swift's own library is linked in.
FROM ${RUNTIME_IMAGE} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libpq5 librdkafka1 libssl3 libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /usr/share/doc /usr/share/man
COPY LICENSE /licenses/LICENSE
# The numbers, not a name: Kubernetes can see that they are not root's.
USER 10001:10001
WORKDIR /
STOPSIGNAL SIGTERM
# The API, and the port of health and metrics.
EXPOSE 8080 8081
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.vendor="Holdfast" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

FROM runtime AS inventory-service
LABEL org.opencontainers.image.title="inventory-service" \
      org.opencontainers.image.description="Items, stock and reservations."
COPY --from=build /programs/inventory-service /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/inventory-service", "health"]
ENTRYPOINT ["/usr/local/bin/inventory-service"]

FROM runtime AS payment-service
LABEL org.opencontainers.image.title="payment-service" \
      org.opencontainers.image.description="Charges, refunds and the conversation with the provider."
COPY --from=build /programs/payment-service /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/payment-service", "health"]
ENTRYPOINT ["/usr/local/bin/payment-service"]

FROM runtime AS shipping-service
LABEL org.opencontainers.image.title="shipping-service" \
      org.opencontainers.image.description="Bookings and the conversation with the carrier."
COPY --from=build /programs/shipping-service /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/shipping-service", "health"]
ENTRYPOINT ["/usr/local/bin/shipping-service"]

FROM runtime AS order-service
LABEL org.opencontainers.image.title="order-service" \
      org.opencontainers.image.description="Orders and the saga that takes them through the other services."
COPY --from=build /programs/order-service /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/order-service", "health"]
ENTRYPOINT ["/usr/local/bin/order-service"]

# A payment provider and a carrier to practise with; /data keeps its ledger.
FROM runtime AS provider-simulator
LABEL org.opencontainers.image.title="provider-simulator" \
      org.opencontainers.image.description="A payment provider and a carrier that can be told to misbehave."
COPY --from=build /programs/provider-simulator /usr/local/bin/
COPY --from=build --chown=10001:10001 /data /data
ENV DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 8090 8091
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/provider-simulator", "health"]
ENTRYPOINT ["/usr/local/bin/provider-simulator"]

# Stands between the parts of a stack that drills may break. Not for production: whoever reaches its switches uses them.
FROM runtime AS fault-proxy
LABEL org.opencontainers.image.title="fault-proxy" \
      org.opencontainers.image.description="A TCP proxy whose faults are switched over HTTP."
COPY --from=build /programs/fault-proxy /usr/local/bin/
EXPOSE 20000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/fault-proxy", "health"]
ENTRYPOINT ["/usr/local/bin/fault-proxy"]

# The command line tools, for jobs beside the services: load, drills, sagas, dead letters.
FROM runtime AS holdfast
LABEL org.opencontainers.image.title="holdfast" \
      org.opencontainers.image.description="The command line tools of the suite."
COPY --from=build /programs/holdfast /programs/message-tool /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/holdfast"]
