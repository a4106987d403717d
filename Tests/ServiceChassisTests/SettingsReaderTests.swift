import ServiceChassis
import Testing

@Suite("Settings")
struct SettingsReaderTests {
    enum Colour: String, CaseIterable, Sendable { case red, green }

    struct Sample: SettingsGroup {
        var port: Int
        var flag: Bool
        var patience: Duration
        var rest: Duration?
        var colour: Colour
        var buffer: Int
        var share: Double
        var peer: ServiceURL
        var brokers: [Authority]
        var database: DatabaseURL
        var note: String?
        var password: String?

        init(reading settings: inout SettingsReader) {
            port = settings.value("PORT", .port, default: 8080, "The port.")
            flag = settings.value("FLAG", .flag, default: false, "A switch.")
            patience = settings.value(
                "PATIENCE_SECONDS", .seconds(.milliseconds(100) ... .seconds(60)), default: .seconds(5), "Patience.")
            rest = settings.value(
                "REST_SECONDS", .secondsOrOff(.zero ... .seconds(60)), default: .seconds(10), "Rest.")
            colour = settings.value("COLOUR", .choice(), default: .red, "A colour.")
            buffer = settings.value("BUFFER_SIZE", .size(1024...1 << 30), default: 65_536, "A buffer.")
            share = settings.value("SHARE", .number(0...1), default: 0.5, "A share.")
            peer = settings.value("PEER_URL", .serviceURL, default: ServiceURL("http://127.0.0.1:8082")!, "A peer.")
            brokers = settings.required("KAFKA_BOOTSTRAP", .authorities, "Brokers.")
            database = settings.required("DATABASE_URL", .databaseURL, "A database.")
            note = settings.optional("NOTE", .text(upTo: 10), "A note.")
            password = settings.secret("DATABASE_PASSWORD", "A password.")?.reveal()
        }
    }

    static let required = [
        "KAFKA_BOOTSTRAP": "127.0.0.1:19092", "DATABASE_URL": "postgres://me@localhost:15432/orders",
    ]

    static func read(
        _ environment: [String: String], files: [String: String] = [:]
    ) throws -> (Sample, SettingsReader) {
        let reader = FileReader { path in
            files[path].map { .success(Array($0.utf8)) } ?? .failure(FileReadingFailure(reason: "cannot be opened"))
        }
        var settings = SettingsReader(SettingsSources(environment: environment, files: reader))
        let sample = Sample(reading: &settings)
        try settings.finish()
        return (sample, settings)
    }

    @Test("a service's own default stands in for the setting's, unless the setting does not take it or is given")
    func ownDefaults() {
        func port(_ environment: [String: String], _ defaults: [String: String]) -> (Int, String?) {
            var settings = SettingsReader(SettingsSources(environment: environment), defaults: defaults)
            let port = settings.value("PORT", .port, default: 8080, "The port.")
            return (port, settings.settings.first?.description.defaultText)
        }
        #expect(port([:], ["PORT": "9000"]) == (9000, "9000"))
        #expect(port(["PORT": "7"], ["PORT": "9000"]) == (7, "9000"))
        #expect(port(["PORT": "many"], ["PORT": "9000"]) == (9000, "9000"))
        #expect(port([:], ["PORT": "many", "HOST": "x"]) == (8080, "8080"))
    }

    static func faults(_ environment: [String: String], files: [String: String] = [:]) -> [SettingFault] {
        do {
            _ = try read(environment, files: files)
            return []
        } catch {
            return (error as? SettingsError)?.faults ?? []
        }
    }

    @Test("what is not set has its default")
    func defaults() throws {
        let (sample, _) = try Self.read(Self.required)
        #expect(sample.port == 8080)
        #expect(sample.flag == false)
        #expect(sample.patience == .seconds(5))
        #expect(sample.rest == .seconds(10))
        #expect(sample.colour == .red)
        #expect(sample.buffer == 65_536)
        #expect(sample.note == nil)
        #expect(sample.password == nil)
        #expect(sample.brokers.map(\.text) == ["127.0.0.1:19092"])
        #expect(sample.database.port == 15_432)
    }

    @Test(
        "a value that is allowed is read",
        arguments: [
            ("PORT", "0"), ("PORT", "65535"), ("FLAG", "on"), ("FLAG", "true"), ("PATIENCE_SECONDS", "0.1"),
            ("PATIENCE_SECONDS", "60"), ("REST_SECONDS", "off"), ("REST_SECONDS", "0"), ("COLOUR", "green"),
            ("BUFFER_SIZE", "1KiB"), ("BUFFER_SIZE", "1GiB"), ("BUFFER_SIZE", "2000"), ("SHARE", "0.25"),
            ("PEER_URL", "https://inventory/base/"), ("KAFKA_BOOTSTRAP", "a:1, b:2,[::1]:3"),
            ("DATABASE_URL", "postgresql://me:p%40ss@db.example/orders"), ("NOTE", "häßlich"),
        ])
    func allowed(key: String, value: String) {
        #expect(Self.faults(Self.required.merging([key: value]) { $1 }).isEmpty)
    }

    @Test(
        "a value that is not allowed is refused with its key, its value, what is expected, and a remedy",
        arguments: [
            ("PORT", "65536"), ("PORT", "-1"), ("PORT", "8080 "), ("PORT", "http"), ("FLAG", "yes"), ("FLAG", "ON"),
            ("PATIENCE_SECONDS", "0.05"), ("PATIENCE_SECONDS", "61"), ("PATIENCE_SECONDS", "5s"),
            ("PATIENCE_SECONDS", "1e1"), ("PATIENCE_SECONDS", "5."), ("PATIENCE_SECONDS", ".5"),
            ("PATIENCE_SECONDS", "99999999999999999999"), ("REST_SECONDS", "never"), ("COLOUR", "blue"),
            ("BUFFER_SIZE", "1"), ("BUFFER_SIZE", "2GiB"), ("BUFFER_SIZE", "1KB"), ("BUFFER_SIZE", "KiB"),
            ("SHARE", "1.5"), ("SHARE", "nan"), ("SHARE", "0x1"), ("PEER_URL", "ftp://x:1"), ("PEER_URL", "http://"),
            ("PEER_URL", "http://a:b@c"), ("PEER_URL", "http://x:99999"), ("PEER_URL", "http://x/?q"),
            ("KAFKA_BOOTSTRAP", "a"), ("KAFKA_BOOTSTRAP", "a:1,,b:2"), ("KAFKA_BOOTSTRAP", "a:0"),
            ("NOTE", "12345678901"), ("NOTE", "a\u{7}"),
        ])
    func refused(key: String, value: String) throws {
        let faults = Self.faults(Self.required.merging([key: value]) { $1 })
        let fault = try #require(faults.first)
        #expect(faults.count == 1)
        #expect(fault.key == key)
        #expect(fault.value == value)
        #expect(fault.origin == "environment")
        #expect(fault.description.contains("expected: "))
        #expect(!fault.remedy.isEmpty)
    }

    @Test("all faults are found in one go")
    func allAtOnce() {
        let faults = Self.faults(["PORT": "x", "FLAG": "x", "COLOUR": "x", "DATABASE_URL": "x"])
        #expect(Set(faults.map(\.key)) == ["PORT", "FLAG", "COLOUR", "DATABASE_URL", "KAFKA_BOOTSTRAP"])
        let text = SettingsError(faults: faults).description
        #expect(text.hasPrefix("5 settings need attention:"))
        #expect(text.split(separator: "\n").count == 6)
    }

    @Test("a required setting that is missing is named with its meaning")
    func missing() throws {
        let fault = try #require(Self.faults(["DATABASE_URL": "postgres://a@b/c"]).first)
        #expect(fault.key == "KAFKA_BOOTSTRAP")
        #expect(fault.value == nil)
        #expect(fault.description.contains("is not set"))
        #expect(fault.remedy.contains("Brokers."))
    }

    @Test("the environment wins over the file, the file over the default, and an empty variable switches the line off")
    func precedence() throws {
        let files = ["/s": "PORT=1\nNOTE='from file'\n# comment\n\nCOLOUR = \"green\"\r\nFLAG=on\n"]
        let environment = Self.required.merging(["HOLDFAST_SETTINGS": "/s", "PORT": "2", "FLAG": ""]) { $1 }
        let (sample, reader) = try Self.read(environment, files: files)
        #expect(sample.port == 2)
        #expect(sample.note == "from file")
        #expect(sample.colour == .green)
        #expect(sample.flag == false)
        let origins = Dictionary(uniqueKeysWithValues: reader.settings.map { ($0.description.key, $0.origin) })
        #expect(origins["PORT"] == "environment")
        #expect(origins["NOTE"] == "/s, line 2")
        #expect(origins["BUFFER_SIZE"] == "default")
    }

    @Test("faults of the file name their line")
    func fileFaults() {
        let environment = Self.required.merging(["HOLDFAST_SETTINGS": "/s"]) { $1 }
        let faults = Self.faults(environment, files: ["/s": "PORT\nnote=1\nFLAG=on\nFLAG=off\nCOLOUR=blue\n"])
        #expect(faults.count == 4)
        #expect(faults.contains { $0.key == "line 1" && $0.reason.contains("KEY=value") })
        #expect(faults.contains { $0.key == "note" && $0.origin == "/s, line 2" })
        #expect(faults.contains { $0.key == "FLAG" && $0.origin == "/s, line 4" && $0.reason.contains("twice") })
        #expect(faults.contains { $0.key == "COLOUR" && $0.origin == "/s, line 5" })
    }

    @Test("a settings file that cannot be read stops the start")
    func unreadableFile() {
        let faults = Self.faults(Self.required.merging(["HOLDFAST_SETTINGS": "/none"]) { $1 })
        #expect(faults.map(\.key) == ["HOLDFAST_SETTINGS"])
    }

    @Test("a secret comes from its setting or from a file, without the file's line end")
    func secrets() throws {
        let direct = Self.required.merging(["DATABASE_PASSWORD": "s3cret"]) { $1 }
        #expect(try Self.read(direct).0.password == "s3cret")
        let byFile = Self.required.merging(["DATABASE_PASSWORD_FILE": "/run/pw"]) { $1 }
        #expect(try Self.read(byFile, files: ["/run/pw": "s3cret\n"]).0.password == "s3cret")
        #expect(Self.faults(byFile).map(\.key) == ["DATABASE_PASSWORD_FILE"])
        let both = byFile.merging(["DATABASE_PASSWORD": "other"]) { $1 }
        #expect(Self.faults(both, files: ["/run/pw": "s3cret"]).map(\.key) == ["DATABASE_PASSWORD"])
    }

    @Test("no secret shows in a listing, a fault or a print")
    func secretsStayHidden() throws {
        let environment = [
            "KAFKA_BOOTSTRAP": "a:1", "DATABASE_URL": "postgres://me:s3cret@db/orders", "DATABASE_PASSWORD": "s3cret",
        ]
        let (sample, reader) = try Self.read(environment)
        #expect(!SettingsTable.listing(reader.settings).contains("s3cret"))
        #expect(!"\(sample.database)".contains("s3cret"))
        let broken = environment.merging(["DATABASE_URL": "postgres://me:s3cret@db"]) { $1 }
        #expect(!SettingsError(faults: Self.faults(broken)).description.contains("s3cret"))
        var settings = SettingsReader(SettingsSources(environment: environment))
        _ = DatabaseSettings(reading: &settings)
        let error = #expect(throws: SettingsError.self) { try settings.finish() }
        #expect(error?.faults.map(\.key) == ["DATABASE_PASSWORD"])
        #expect(error.map { !"\($0)".contains("s3cret") } ?? false)
    }

    @Test("the Markdown table has a row for each setting, in the order in which they are read")
    func markdown() {
        let table = SettingsTable.markdown(Sample.descriptions)
        let rows = table.split(separator: "\n")
        #expect(rows.count == 2 + 12)
        #expect(rows[2] == "| `PORT` | port, 0 to 65535 | `8080` | The port. |")
        #expect(rows[4] == "| `PATIENCE_SECONDS` | number, 0.1 to 60, in seconds | `5` | Patience. |")
        #expect(rows[10] == "| `KAFKA_BOOTSTRAP` | hosts with ports, separated by commas | required | Brokers. |")
        #expect(rows[13].contains("none, secret"))
    }

    @Test("each kind reads what it writes", arguments: [0, 1, 1023, 1024, 65_536, 1 << 20, 3 << 30])
    func sizesRoundTrip(size: Int) {
        let kind = SettingKind<Int>.size(0...Int.max)
        #expect(kind.parse(kind.render(size)) == size)
    }

    @Test("durations are kept to the nanosecond")
    func durationsRoundTrip() {
        for nanoseconds in [0, 1, 10, 999_999_999, 1_000_000_000, 1_500_000_000, 86_400_000_000_001] as [Int64] {
            let duration = Duration.nanoseconds(nanoseconds)
            #expect(SecondsText.read(SecondsText.write(duration)) == duration)
        }
        #expect(SecondsText.write(.milliseconds(250)) == "0.25")
    }
}
