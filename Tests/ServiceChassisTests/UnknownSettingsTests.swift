import ServiceChassis
import Testing

@Suite("Unknown settings")
struct UnknownSettingsTests {
    static let known = ["PORT", "AUTH", "KAFKA_BOOTSTRAP", "DATABASE_URL", "DATABASE_PASSWORD", "DRAIN_SECONDS"]

    static func report(_ environment: [String: String], file: String? = nil) -> [String] {
        let reader = FileReader { _ in .success(Array((file ?? "").utf8)) }
        var environment = environment
        if file != nil { environment["HOLDFAST_SETTINGS"] = "/s" }
        return UnknownSettings(known: known).report(SettingsSources(environment: environment, files: reader))
    }

    @Test(
        "a variable that looks like one of ours is reported with what was meant",
        arguments: [
            ("DATABASE_URLS", "DATABASE_URL"), ("DATABSE_URL", "DATABASE_URL"), ("DATABASE_ULR", "DATABASE_URL"),
            ("DRAIN_SECOND", "DRAIN_SECONDS"), ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP"),
        ])
    func slips(key: String, meant: String) {
        let report = Self.report([key: "x"])
        #expect(report.count == 1)
        #expect(report.first?.contains(key) == true)
        #expect(report.first?.hasSuffix("did you mean \(meant)?") == true)
    }

    @Test("a variable with a prefix of ours is reported even when nothing is like it")
    func prefix() {
        #expect(Self.report(["HOLDFAST_COLOUR": "x"]).count == 1)
    }

    @Test(
        "foreign variables are left alone",
        arguments: [
            "PATH", "HOME", "LANG", "HOSTNAME", "SPORT", "POST", "OAUTH", "KAFKA_HOME", "PGDATABASE",
            "INVENTORY_SERVICE_PORT_HTTP", "KUBERNETES_SERVICE_HOST", "DATABASE_SERVICE_HOST", "XDG_RUNTIME_DIR",
        ])
    func foreign(key: String) {
        #expect(Self.report([key: "x"]).isEmpty)
    }

    @Test("what is known is not reported, its file form included")
    func known() {
        let environment = Dictionary(uniqueKeysWithValues: Self.known.map { ($0, "x") })
        #expect(Self.report(environment.merging(["DATABASE_PASSWORD_FILE": "/x"]) { $1 }).isEmpty)
    }

    @Test("every unknown key of the file is reported with its line")
    func file() {
        let report = Self.report([:], file: "PORT=1\nSHOE_SIZE=44\n")
        #expect(report == ["SHOE_SIZE (/s, line 2) is no setting of this service"])
    }
}
