import JSON
import LocalStack
import Testing

@Suite("Reports for people")
struct ReportTests {
    @Test("columns are aligned and lines have no blanks at their end")
    func table() {
        var table = TextTable(head: ["step", "took", "detail"], indent: "  ")
        table.append(["reserve-stock", "8 ms", ""])
        table.append(["x", "", "why"])
        #expect(
            table.lines == ["  step           took  detail", "  reserve-stock  8 ms", "  x                    why"])
    }

    @Test("an order is told with its lines, its total and each step")
    func order() throws {
        let text = """
            {"id":"o-1","status":"rejected","reason":"payment-declined","total":{"amount":10005,"currency":"EUR"},
             "lines":[{"sku":"SKU-1","name":"Lamp","quantity":2}],
             "timeline":[
              {"step":"charge-payment","kind":"action","undoes":null,"status":"failed","attempts":2,"channel":"kafka",
               "startedAt":"2026-01-01T00:00:00.000Z","finishedAt":"2026-01-01T00:00:01.250Z","detail":"declined"},
              {"step":"release-stock","kind":"compensation","undoes":"reserve-stock","status":"pending","attempts":1,
               "channel":"http","startedAt":"2026-01-01T00:00:02.000Z","finishedAt":null,"detail":null}]}
            """
        let lines = OrderReport(try JSONDocument(parsing: Array(text.utf8)).root).lines
        #expect(
            lines == [
                "  order o-1 · rejected (payment-declined) · 2 × Lamp · 100.05 EUR",
                "    step            result   attempts  channel  took     detail",
                "    charge-payment  failed   2         kafka    1250 ms  declined",
                "    release-stock   pending  1         http              undoes reserve-stock",
            ])
    }
}
