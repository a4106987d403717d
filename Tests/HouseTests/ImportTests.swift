import Testing

/// Who may import whom.
@Suite("The import table")
struct ImportTests {
    static let pure: Set<String> = [
        "Clocks", "JSON", "Contracts", "Invariants", "Resilience", "Saga", "HTTPCodec", "Defects",
    ]
    static let services: Set<String> = [
        "OrderService", "InventoryService", "PaymentService", "ShippingService", "ProviderSimulator",
    ]
    /// What comes with the toolchain and may be imported anywhere.
    static let toolchain: Set<String> = ["Glibc", "Musl", "Synchronization"]
    /// Black boxes: they know the services by their HTTP alone.
    static let outsiders: Set<String> = [
        "LocalStack", "Load", "Bench", "Drill", "holdfast", "DevBroker", "dev-broker", "FaultProxy", "fault-proxy",
        "MessageTool", "message-tool",
    ]

    /// The folders that may use a C library.
    static let adapters: [String: [String]] = [
        "CLibpq": ["Sources/Postgres/Libpq/"],
        "CLibrdkafka": ["Sources/Kafka/Librdkafka/", "Sources/DevBroker/TopicCreation.swift"],
        "CLibcurl": ["Sources/HTTPClient/Libcurl/"],
        "CLibyaml": ["Sources/Drill/"],
        "COpenSSL": ["Sources/ServiceChassis/"],
    ]

    private let manifest = Manifest(Repository.manifest)

    @Test("the manifest is understood")
    func manifestIsRead() {
        #expect(manifest.dependencies["Contracts"] == ["Clocks", "JSON"])
        #expect(manifest.dependencies["InventoryService"]?.contains("ServiceChassis") == true)
        #expect(manifest.dependencies["dev-broker"] == ["DevBroker"])
        #expect(manifest.dependencies["bench-parts"]?.contains("JSON") == true)
        #expect(manifest.dependencies.keys.contains("HouseTests"))
    }

    @Test("a file imports only what its target declares")
    func declared() {
        for file in Repository.swiftFiles {
            let allowed = manifest.dependencies[file.target, default: []].union(Self.toolchain)
                .union(file.isTest ? ["Testing"] : [])
            let undeclared = Set(file.imports).subtracting(allowed).sorted()
            #expect(
                undeclared.isEmpty, "\(file.path) imports \(undeclared); declare it in Package.swift, or do without")
        }
    }

    @Test("pure targets depend on pure targets alone", arguments: ImportTests.pure.sorted())
    func pureTargets(target: String) {
        let impure = manifest.dependencies[target, default: []].subtracting(Self.pure).sorted()
        #expect(impure.isEmpty, "\(target) does no I/O and must not depend on \(impure)")
    }

    @Test("no shipped target imports Foundation, Dispatch or TestSupport")
    func shipped() {
        for file in Repository.swiftFiles where file.path.hasPrefix("Sources/") {
            let banned = Set(file.imports).intersection(
                ["Foundation", "FoundationEssentials", "Dispatch", "XCTest", "Testing", "TestSupport"])
            #expect(banned.isEmpty, "\(file.path) imports \(banned.sorted())")
        }
    }

    @Test("tests use Swift Testing, without Foundation")
    func tests() {
        for file in Repository.swiftFiles where file.isTest {
            let banned = Set(file.imports).intersection(["XCTest", "Foundation", "FoundationEssentials"])
            #expect(banned.isEmpty, "\(file.path) imports \(banned.sorted())")
        }
    }

    @Test("only tests depend on TestSupport")
    func testSupport() {
        for (target, dependencies) in manifest.dependencies where dependencies.contains("TestSupport") {
            #expect(target.hasSuffix("Tests"), "\(target) must not depend on TestSupport")
        }
    }

    @Test("services know nothing of each other, and outsiders nothing of services")
    func servicesAreApart() {
        for target in Self.services.union(Self.outsiders) {
            let found = manifest.dependencies[target, default: []].intersection(Self.services).sorted()
            #expect(found.isEmpty, "\(target) must not depend on \(found)")
        }
    }

    @Test("a C library is used in its adapter's folder alone", arguments: ImportTests.adapters.keys.sorted())
    func cLibraries(module: String) {
        let folders = Self.adapters[module, default: []]
        for file in Repository.swiftFiles where file.path.hasPrefix("Sources/") && file.imports.contains(module) {
            #expect(
                folders.contains { file.path.hasPrefix($0) },
                "\(file.path) imports \(module); only \(folders.joined(separator: ", ")) may")
        }
    }

    @Test("inside a service the domain is pure and the inner rooms do not know the outer ones")
    func rooms() {
        for file in Repository.swiftFiles where file.path.hasPrefix("Sources/") && Self.services.contains(file.target) {
            guard file.path.contains("/Domain/") else { continue }
            let impure = Set(file.imports).subtracting(Self.pure).subtracting(["Synchronization"]).sorted()
            #expect(impure.isEmpty, "\(file.path) is domain and imports \(impure)")
        }
    }
}
