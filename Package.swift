// swift-tools-version: 6.2
import PackageDescription

// For the thread sanitizer (scripts/test-tsan) only what it watches is built, with a lock that it knows.
let isSanitized = Context.environment["HOLDFAST_TSAN"] != nil

// For the simulation (scripts/simulate) only what decides is built, with the defects that it has to notice.
let isSimulated = Context.environment["HOLDFAST_SIMULATION"] != nil

// Warnings stop the build in CI; a newer toolchain's new warnings do not stop a user's.
let strict: [SwiftSetting] =
    (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])
    + (isSanitized ? [.define("HOLDFAST_TSAN")] : [])

func library(_ name: String, _ dependencies: [Target.Dependency] = [], embedding resources: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources.map { .embedInCode($0) }, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func service(_ name: String, migrations: [String]) -> Target {
    library(
        name,
        [
            "Clocks", "Contracts", "Defects", "HTTPCodec", "JSON", "Messaging", "Postgres", "Resilience",
            "ServiceChassis", "Telemetry",
        ], embedding: migrations.map { "Persistence/Migrations/\($0).sql" })
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq"),
    .systemLibrary(name: "CLibrdkafka", pkgConfig: "rdkafka"),
    .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CLibyaml", pkgConfig: "yaml-0.1"),
]

let pure: [Target] = [
    library("Clocks"),
    library("Defects"),
    library("JSON"),
    library("Contracts", ["Clocks", "JSON"]),
    library("Invariants", ["JSON"]),
    library("Resilience", ["Clocks"]),
    library("Saga", ["Clocks", "Defects"]),
    library("HTTPCodec", ["Clocks", "JSON"]),
]

let adapters: [Target] = [
    library("Postgres", ["CLibpq", "CLinux", "Clocks", "Resilience"]),
    library("Kafka", ["CLibrdkafka", "CLinux", "Clocks"]),
    library("HTTPServer", ["CLinux", "Clocks", "HTTPCodec"]),
    library("HTTPClient", ["CLibcurl", "CLinux", "Clocks", "HTTPCodec"]),
    library("Telemetry", ["CLinux", "Clocks", "JSON"]),
]

let foundations: [Target] = [
    library(
        "Messaging",
        ["Clocks", "Contracts", "Defects", "JSON", "Kafka", "Postgres", "Resilience", "Telemetry"],
        embedding: [
            "Migrations/V0001_create_messaging.sql", "Migrations/V0002_park_messages.sql",
            "Migrations/V0004_batch_outbox.sql",
        ]),
    library(
        "SagaRuntime",
        ["Clocks", "Contracts", "Defects", "JSON", "Messaging", "Postgres", "Resilience", "Saga", "Telemetry"],
        embedding: ["Migrations/V0003_create_sagas.sql"]),
    library(
        "ServiceChassis",
        [
            "COpenSSL", "CLinux", "Clocks", "Contracts", "Defects", "HTTPClient", "HTTPCodec", "HTTPServer", "JSON",
            "Kafka", "Messaging", "Postgres", "Resilience", "Telemetry",
        ], embedding: ["Idempotency/Migrations"]),
]

let services: [Target] = [
    service("InventoryService", migrations: ["V0010_create_inventory"]),
    service("PaymentService", migrations: ["V0010_create_payments", "V0011_ask_provider"]),
    service("ShippingService", migrations: ["V0010_create_shipments", "V0011_ask_carrier"]),
    library(
        "OrderService",
        [
            "Clocks", "Contracts", "Defects", "HTTPCodec", "JSON", "Messaging", "Postgres", "Resilience", "Saga",
            "SagaRuntime", "ServiceChassis", "Telemetry",
        ],
        embedding: ["V0010_create_orders", "V0011_create_order_view", "V0012_follow_confirmed_orders"].map {
            "Persistence/Migrations/\($0).sql"
        }),
    library(
        "ProviderSimulator",
        [
            "CLinux", "Clocks", "Contracts", "HTTPClient", "HTTPCodec", "JSON", "Messaging", "ServiceChassis",
            "Telemetry",
        ]),
    program("order-service", ["OrderService", "ServiceChassis"]),
    program("inventory-service", ["InventoryService", "ServiceChassis"]),
    program("payment-service", ["PaymentService", "ServiceChassis"]),
    program("shipping-service", ["ShippingService", "ServiceChassis"]),
    program("provider-simulator", ["ProviderSimulator", "ServiceChassis"]),
]

let localStack: [Target] = [
    library("DevBroker", ["CLibrdkafka", "CLinux", "Clocks"]),
    program("dev-broker", ["DevBroker"]),
    library("FaultProxy", ["CLinux", "Clocks", "HTTPCodec", "HTTPServer", "JSON"]),
    program("fault-proxy", ["FaultProxy"]),
    library("MessageTool", ["Clocks", "Kafka"]),
    program("message-tool", ["MessageTool"]),
    library("LocalStack", ["CLinux", "Clocks", "HTTPClient", "HTTPCodec", "JSON"]),
    library("Load", ["CLinux", "Clocks", "HTTPClient", "HTTPCodec", "JSON"]),
    library(
        "Drill",
        ["CLibyaml", "CLinux", "Clocks", "HTTPClient", "HTTPCodec", "Invariants", "JSON", "LocalStack"]),
    library("Bench", ["Clocks", "HTTPClient", "HTTPCodec", "Invariants", "JSON", "Load", "LocalStack"]),
    program("holdfast", ["Bench", "Clocks", "Drill", "HTTPClient", "HTTPCodec", "JSON", "Load", "LocalStack"]),
]

let simulation: [Target] = [
    library(
        "Simulation",
        [
            "Clocks", "Contracts", "Defects", "Invariants", "InventoryService", "Messaging", "OrderService",
            "PaymentService", "Saga", "SagaRuntime", "ShippingService",
        ]),
    program("simulate", ["Clocks", "Defects", "Invariants", "Simulation"]),
]

let testTargets: [Target] = [
    library("TestSupport", ["Clocks", "JSON", "LocalStack"]),
    tests("ClocksTests", ["Clocks"]),
    tests("JSONTests", ["JSON", "SimdjsonOracle"]),
    .target(
        name: "SimdjsonOracle", path: "Tests/SimdjsonOracle", linkerSettings: [.linkedLibrary("simdjson")]),
    tests("ContractsTests", ["Clocks", "Contracts", "JSON", "TestSupport"]),
    tests("ResilienceTests", ["Clocks", "Resilience", "TestSupport"]),
    tests("SagaTests", ["Clocks", "Defects", "Saga", "TestSupport"]),
    tests("HTTPCodecTests", ["Clocks", "HTTPCodec", "JSON", "TestSupport"]),
    tests("HTTPServerTests", ["CLinux", "Clocks", "HTTPCodec", "HTTPServer", "TestSupport"]),
    tests("HTTPClientTests", ["CLinux", "Clocks", "HTTPClient", "HTTPCodec", "TestSupport"]),
    tests("TelemetryTests", ["Clocks", "JSON", "Telemetry", "TestSupport"]),
    tests("PostgresTests", ["Clocks", "LocalStack", "Postgres", "Resilience", "TestSupport"]),
    tests("KafkaTests", ["Clocks", "Kafka", "LocalStack", "TestSupport"]),
    tests("DevBrokerTests", ["Clocks", "DevBroker", "Kafka", "LocalStack", "TestSupport"]),
    tests(
        "MessagingTests",
        [
            "Clocks", "Contracts", "Defects", "JSON", "Kafka", "LocalStack", "Messaging", "Postgres", "Resilience",
            "Telemetry",
            "TestSupport",
        ]),
    tests(
        "SagaRuntimeTests",
        [
            "Clocks", "Contracts", "JSON", "LocalStack", "Messaging", "Postgres", "Resilience", "Saga", "SagaRuntime",
            "Telemetry", "TestSupport",
        ]),
    tests(
        "ServiceChassisTests",
        [
            "CLinux", "Clocks", "Contracts", "HTTPClient", "HTTPCodec", "HTTPServer", "JSON", "LocalStack", "Messaging",
            "Postgres", "Resilience", "ServiceChassis", "Telemetry", "TestSupport",
        ]),
    tests(
        "ServicesTests",
        [
            "Clocks", "Contracts", "HTTPClient", "HTTPCodec", "HTTPServer", "InventoryService", "JSON", "Kafka",
            "LocalStack", "Messaging", "OrderService", "PaymentService", "Postgres", "ProviderSimulator", "Resilience",
            "Saga",
            "SagaRuntime", "ServiceChassis", "ShippingService", "Telemetry", "TestSupport",
        ]),
    tests(
        "ProviderSimulatorTests",
        [
            "Clocks", "Contracts", "HTTPClient", "HTTPCodec", "HTTPServer", "JSON", "LocalStack",
            "ProviderSimulator", "ServiceChassis", "Telemetry", "TestSupport",
        ]),
    tests("FaultProxyTests", ["CLinux", "Clocks", "FaultProxy", "HTTPClient", "HTTPCodec", "JSON", "TestSupport"]),
    tests("MessageToolTests", ["Clocks", "Kafka", "LocalStack", "MessageTool", "TestSupport"]),
    tests(
        "DrillTests",
        ["Clocks", "Drill", "HTTPClient", "HTTPCodec", "Invariants", "JSON", "LocalStack", "TestSupport"]),
    tests("LocalStackTests", ["CLinux", "Clocks", "JSON", "LocalStack", "TestSupport"]),
    tests(
        "EndToEndTests",
        ["Clocks", "HTTPClient", "HTTPCodec", "HTTPServer", "Invariants", "JSON", "LocalStack", "TestSupport"]),
    tests("LoadTests", ["Clocks", "Load", "TestSupport"]),
    tests("BenchTests", ["Bench"]),
    tests("InvariantsTests", ["Invariants"]),
    tests("SimulationTests", ["Defects", "Invariants", "Simulation"]),
    tests("HouseTests", []),
]

let benchmarks: [Target] = [
    .executableTarget(
        name: "bench-parts",
        dependencies: ["AllocationCounter", "Clocks", "Contracts", "HTTPCodec", "JSON", "Messaging", "Saga"],
        path: "Benchmarks/bench-parts",
        swiftSettings: strict),
    .executableTarget(
        name: "bench-resilience", dependencies: ["AllocationCounter", "Clocks", "Resilience"],
        path: "Benchmarks/bench-resilience",
        swiftSettings: strict),
    .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
    .executableTarget(
        name: "bench-http", dependencies: ["Clocks", "HTTPCodec", "HTTPServer"], path: "Benchmarks/bench-http",
        swiftSettings: strict),
]

let sanitized: [Target] =
    (pure + testTargets).filter { ["Clocks", "Resilience", "ResilienceTests"].contains($0.name) } + [
        .target(
            name: "TestSupport", dependencies: ["Clocks"], path: "Sources/TestSupport", sources: ["TestTime.swift"],
            swiftSettings: strict)
    ]

/// For the simulation (scripts/simulate) only what it drives is built: of the services, what decides. Built for release, and
/// yet with the defects that only debug builds have, so that they can be tried at speed.
let simulated: [Target] = {
    // The targets are objects: what is changed here is changed for all.
    guard isSimulated else { return [] }
    func part(_ name: String, _ dependencies: [Target.Dependency], _ sources: [String]) -> Target {
        .target(
            name: name, dependencies: dependencies, path: "Sources/\(name)", sources: sources, swiftSettings: strict)
    }
    let participant: [Target.Dependency] = ["Clocks", "Contracts", "Defects"]
    let cores =
        pure.filter {
            ["Clocks", "Defects", "JSON", "Contracts", "Invariants", "Resilience", "Saga"].contains($0.name)
        } + [
            part(
                "Messaging", ["Clocks", "Contracts", "Defects", "Resilience"],
                [
                    "Envelope/MessageEnvelope.swift", "ExpiryGuard.swift", "SenderClock.swift",
                    "Outbox/OutboxRow.swift",
                    "Outbox/OutgoingMessage.swift", "Outbox/RelayState.swift", "Parking/ParkedKey.swift",
                    "Parking/ParkingPlan.swift",
                ]),
            part("SagaRuntime", ["Clocks", "Messaging"], ["CommandChannels.swift"]),
            part("InventoryService", participant, ["Domain"]), part("PaymentService", participant, ["Domain"]),
            part("ShippingService", participant, ["Domain"]),
            part(
                "OrderService", ["Clocks", "Contracts", "JSON", "Saga", "SagaRuntime"],
                [
                    "Application/ChannelChoice.swift", "Application/CommandChannel.swift", "Domain/Dependencies.swift",
                    "Domain/FollowUpRules.swift", "Domain/Order.swift", "Sagas/PlaceOrderSaga.swift",
                ]),
        ] + simulation
    for target in cores { target.swiftSettings = (target.swiftSettings ?? []) + [.define("DEBUG")] }
    return cores
}()

/// Left out where only the programs are built, such as in a container image, which has none of these folders.
let besidesPrograms =
    Context.environment["HOLDFAST_WITHOUT_TESTS"] == nil ? simulation + testTargets + benchmarks : []

let all = systemLibraries + pure + adapters + foundations + services + localStack + besidesPrograms

let products: [Product] = [
    .library(name: "Resilience", targets: ["Resilience"]),
    .library(name: "Saga", targets: ["Saga"]),
    .library(name: "JSON", targets: ["JSON"]),
    .executable(name: "holdfast", targets: ["holdfast"]),
    .executable(name: "order-service", targets: ["order-service"]),
    .executable(name: "inventory-service", targets: ["inventory-service"]),
    .executable(name: "payment-service", targets: ["payment-service"]),
    .executable(name: "shipping-service", targets: ["shipping-service"]),
    .executable(name: "provider-simulator", targets: ["provider-simulator"]),
    .executable(name: "dev-broker", targets: ["dev-broker"]),
    .executable(name: "fault-proxy", targets: ["fault-proxy"]),
    .executable(name: "message-tool", targets: ["message-tool"]),
]

let package = Package(
    name: "holdfast",
    products: isSanitized || isSimulated ? [] : products,
    targets: isSanitized ? sanitized : isSimulated ? simulated : all,
    swiftLanguageModes: [.v6]
)
