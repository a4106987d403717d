import Testing

@testable import FaultProxy

@Suite("The command line of fault-proxy")
struct OptionsTests {
    @Test(
        "reads a link",
        arguments: [
            ("a.b=1:2", LinkSpecification(name: "a.b", port: 1, targetPort: 2)),
            ("x=0:10.0.0.7:80", LinkSpecification(name: "x", port: 0, targetHost: "10.0.0.7", targetPort: 80)),
            (
                "n=3:inventory-service-1:80",
                LinkSpecification(name: "n", port: 3, targetHost: "inventory-service-1", targetPort: 80)
            ),
            ("k=5:9092:kafka", LinkSpecification(name: "k", port: 5, targetPort: 9092, isKafka: true)),
        ])
    func reads(text: String, link: LinkSpecification) {
        #expect(LinkSpecification(text) == link)
        #expect(LinkSpecification(link.description) == link)
    }

    @Test(
        "refuses what is no link",
        arguments: [
            "", "a", "a=", "a=1", "=1:2", "a/b=1:2", "a=1:0", "a=1:65536", "a=1:1.2.3:2", "a=1:b..c:2", "a=1:b c:2",
            "a=1:2:3:4", "a=1:2:kafka:b",
        ])
    func refuses(text: String) {
        #expect(LinkSpecification(text) == nil)
        #expect(throws: FaultProxyUsageError.self) { try FaultProxyRequest(arguments: ["--link", text]) }
    }

    @Test("reads the host that a broker advertises")
    func advertised() throws {
        let link = try #require(LinkSpecification("k=5:kafka:9093:kafka:fault-proxy"))
        #expect(link.isKafka && link.targetHost == "kafka" && link.advertisedHost == "fault-proxy")
        #expect(LinkSpecification(link.description) == link)
    }

    @Test("knows its options and says what is wrong with others")
    func options() throws {
        let request = try FaultProxyRequest(arguments: [
            "--listen", "0.0.0.0", "--control", "9", "--seed", "7", "--link", "a=1:2",
        ])
        var expected = FaultProxyOptions()
        expected.host = "0.0.0.0"
        expected.controlPort = 9
        expected.seed = 7
        expected.links = [LinkSpecification(name: "a", port: 1, targetPort: 2)]
        #expect(request == .run(expected))
        #expect(try FaultProxyRequest(arguments: ["--help"]) == .help)
        #expect(try FaultProxyRequest(arguments: ["health"]) == .health(port: 20_000))
        #expect(try FaultProxyRequest(arguments: ["health", "9"]) == .health(port: 9))
        for wrong in [
            ["--what"], ["--listen", "here"], ["health", "0"], ["health", "9", "9"], ["--control"],
            ["--control", "70000"], ["--seed", "-1"], [], ["--link", "a=1:2"] * 2,
        ] {
            #expect(throws: FaultProxyUsageError.self) { try FaultProxyRequest(arguments: wrong) }
        }
    }
}

private func * (words: [String], count: Int) -> [String] { (0..<count).flatMap { _ in words } }
