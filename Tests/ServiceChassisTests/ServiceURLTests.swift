import ServiceChassis
import Testing

@Suite("Where services are")
struct ServiceURLTests {
    private let kind = SettingKind<[ServiceURL]>.serviceURLs

    @Test(
        "one URL or several, separated by commas, are the service's endpoints",
        arguments: [
            ("http://a:1", ["http://a:1"]), ("http://a:1/", ["http://a:1"]),
            ("http://a:1,http://b:2", ["http://a:1", "http://b:2"]),
            (" http://a:1 , https://b/x/ ", ["http://a:1", "https://b:443/x"]),
        ])
    func several(text: String, urls: [String]) throws {
        let read = try #require(kind.parse(text))
        #expect(read.map(\.text) == urls)
        #expect(kind.parse(kind.render(read)) == read)
    }

    @Test(
        "a list with a gap, an endpoint named twice, or one that is none is refused as a whole",
        arguments: [
            "", ",", "http://a:1,", ",http://a:1", "http://a:1,,http://b:2", "http://a:1,http://a:1",
            "http://a:1,http://a:1/", "http://a:1;http://b:2", "http://a:1,b:2", "http://a:1,ftp://b:2",
        ])
    func refused(text: String) {
        #expect(kind.parse(text) == nil)
    }
}
