// swift-tools-version: 6.2
import PackageDescription

// Warnings stop the build in CI; a newer toolchain's new warnings do not stop a user's.
let strict: [SwiftSetting] =
    Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], embedding resources: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources.map { .embedInCode($0) }, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency], linker: [LinkerSetting] = []) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: linker)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func service(_ name: String, migrations: [String]) -> Target {
    library(
        name,
        [
            "Clocks", "Contracts", "HTTPCodec", "JSON", "Messaging", "Postgres", "Resilience", "ServiceChassis",
            "Telemetry",
        ], embedding: migrations.map { "Persistence/Migrations/\($0).sql" })
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq"),
    .systemLibrary(name: "CLibrdkafka", pkgConfig: "rdkafka"),
    .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
]

let pure: [Target] = [
    library("Clocks"),
    library("JSON"),
    library("Contracts", ["Clocks", "JSON"]),
    library("Invariants", ["JSON"]),
    library("Resilience", ["Clocks"]),
    library("Saga", ["Clocks"]),
    library("HTTPCodec", ["Clocks", "JSON"]),
]

let adapters: [Target] = [
    library("Postgres", ["CLibpq", "CLinux", "Clocks"]),
    library("Kafka", ["CLibrdkafka", "CLinux", "Clocks"]),
    library("HTTPServer", ["CLinux", "Clocks", "HTTPCodec"]),
    library("HTTPClient", ["CLibcurl", "CLinux", "Clocks", "HTTPCodec"]),
    library("Telemetry", ["CLinux", "Clocks", "JSON"]),
]

let foundations: [Target] = [
    library(
        "Messaging", ["Clocks", "Contracts", "JSON", "Kafka", "Postgres", "Resilience", "Telemetry"],
        embedding: ["Migrations/V0001_create_messaging.sql"]),
    library(
        "SagaRuntime",
        ["Clocks", "Contracts", "JSON", "Messaging", "Postgres", "Resilience", "Saga", "Telemetry"],
        embedding: ["Migrations/V0003_create_sagas.sql"]),
    library(
        "ServiceChassis",
        [
            "COpenSSL", "CLinux", "Clocks", "Contracts", "HTTPClient", "HTTPCodec", "HTTPServer", "JSON", "Kafka",
            "Messaging", "Postgres", "Resilience", "Telemetry",
        ], embedding: ["Idempotency/Migrations"]),
]

let services: [Target] = [
    service("InventoryService", migrations: ["V0010_create_inventory"]),
    service("PaymentService", migrations: ["V0010_create_payments"]),
    service("ShippingService", migrations: ["V0010_create_shipments"]),
    library(
        "OrderService",
        [
            "Clocks", "Contracts", "HTTPCodec", "JSON", "Messaging", "Postgres", "Resilience", "Saga", "SagaRuntime",
            "ServiceChassis", "Telemetry",
        ], embedding: ["Persistence/Migrations/V0010_create_orders.sql"]),
    program("order-service", ["OrderService", "ServiceChassis"]),
    program("inventory-service", ["InventoryService", "ServiceChassis"]),
    program("payment-service", ["PaymentService", "ServiceChassis"]),
    program("shipping-service", ["ShippingService", "ServiceChassis"]),
]

let localStack: [Target] = [
    library("DevBroker", ["CLibrdkafka", "CLinux"]),
    // The mock cluster asks the kernel for any port; exporting our own `bind` lets the broker choose it.
    program(
        "dev-broker", ["DevBroker"],
        linker: [.unsafeFlags(["-Xlinker", "--export-dynamic-symbol=bind"])]),
    library("LocalStack", ["CLinux", "Clocks", "HTTPClient", "HTTPCodec", "JSON"]),
    program("holdfast", ["LocalStack"]),
]

let testTargets: [Target] = [
    library("TestSupport", ["Clocks", "LocalStack"]),
    tests("ClocksTests", ["Clocks"]),
    tests("JSONTests", ["JSON", "SimdjsonOracle"]),
    .target(
        name: "SimdjsonOracle", path: "Tests/SimdjsonOracle", linkerSettings: [.linkedLibrary("simdjson")]),
    tests("ContractsTests", ["Clocks", "Contracts", "JSON", "TestSupport"]),
    tests("ResilienceTests", ["Clocks", "Resilience", "TestSupport"]),
    tests("SagaTests", ["Clocks", "Saga", "TestSupport"]),
    tests("HTTPCodecTests", ["Clocks", "HTTPCodec", "JSON", "TestSupport"]),
    tests("HTTPServerTests", ["CLinux", "Clocks", "HTTPCodec", "HTTPServer", "TestSupport"]),
    tests("HTTPClientTests", ["CLinux", "Clocks", "HTTPClient", "HTTPCodec", "TestSupport"]),
    tests("TelemetryTests", ["Clocks", "JSON", "Telemetry", "TestSupport"]),
    tests("PostgresTests", ["Clocks", "LocalStack", "Postgres", "TestSupport"]),
    tests("KafkaTests", ["Clocks", "Kafka", "LocalStack", "TestSupport"]),
    tests(
        "MessagingTests",
        ["Clocks", "Contracts", "JSON", "Kafka", "LocalStack", "Messaging", "Postgres", "Telemetry", "TestSupport"]),
    tests(
        "SagaRuntimeTests",
        [
            "Clocks", "Contracts", "JSON", "LocalStack", "Messaging", "Postgres", "Saga", "SagaRuntime", "Telemetry",
            "TestSupport",
        ]),
    tests(
        "ServiceChassisTests",
        [
            "CLinux", "Clocks", "HTTPClient", "HTTPCodec", "HTTPServer", "JSON", "Postgres", "Resilience",
            "ServiceChassis", "Telemetry", "TestSupport",
        ]),
    tests(
        "ServicesTests",
        [
            "Clocks", "Contracts", "HTTPCodec", "InventoryService", "JSON", "LocalStack", "Messaging", "OrderService",
            "PaymentService", "Postgres", "Saga", "SagaRuntime", "ServiceChassis", "ShippingService", "Telemetry",
            "TestSupport",
        ]),
    tests("LocalStackTests", ["CLinux", "Clocks", "JSON", "LocalStack", "TestSupport"]),
    tests(
        "EndToEndTests",
        ["Clocks", "HTTPClient", "HTTPCodec", "Invariants", "JSON", "LocalStack", "TestSupport"]),
    tests("InvariantsTests", ["Invariants"]),
    tests("HouseTests", []),
]

let benchmarks: [Target] = [
    .executableTarget(
        name: "bench-parts", dependencies: ["AllocationCounter", "Clocks", "HTTPCodec", "JSON", "Resilience"],
        path: "Benchmarks/bench-parts",
        swiftSettings: strict),
    .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
    .executableTarget(
        name: "bench-http", dependencies: ["Clocks", "HTTPCodec", "HTTPServer"], path: "Benchmarks/bench-http",
        swiftSettings: strict),
]

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "Resilience", targets: ["Resilience"]),
        .library(name: "Saga", targets: ["Saga"]),
        .library(name: "JSON", targets: ["JSON"]),
        .executable(name: "holdfast", targets: ["holdfast"]),
        .executable(name: "order-service", targets: ["order-service"]),
        .executable(name: "inventory-service", targets: ["inventory-service"]),
        .executable(name: "payment-service", targets: ["payment-service"]),
        .executable(name: "shipping-service", targets: ["shipping-service"]),
        .executable(name: "dev-broker", targets: ["dev-broker"]),
    ],
    targets: systemLibraries + pure + adapters + foundations + services + localStack + testTargets + benchmarks,
    swiftLanguageModes: [.v6]
)
