import Invariants

/// A run as JUnit XML: one case for each invariant and one for the drill itself.
struct JUnitDocument {
    let text: String

    init(_ result: DrillResult) {
        var cases: [String] = []
        var failures = 0
        var errors = 0
        var skipped = 0
        func add(_ name: String, _ inner: String) {
            cases.append(
                #"  <testcase classname="drill.\#(Markup.escaped(result.experiment.name))" name="\#(Markup.escaped(name))">\#(inner)</testcase>"#
            )
        }
        switch result.verdict {
        case .held: add("verdict", "")
        case .violated:
            failures += 1
            add("verdict", Self.element("failure", result.reason, ""))
        case .inconclusive:
            errors += 1
            add("verdict", Self.element("error", result.reason, ""))
        }
        for checked in result.checked {
            let name = "\(checked.invariant.id) \(checked.invariant.title)"
            switch checked.finding.verdict {
            case .held: add(name, "")
            case .violated:
                failures += 1
                add(
                    name,
                    Self.element(
                        "failure", checked.finding.summary, checked.finding.counterexample.joined(separator: "\n")))
            case .unknown, .notApplicable:
                skipped += 1
                add(name, Self.element("skipped", checked.finding.summary, ""))
            }
        }
        text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="drill \(Markup.escaped(result.experiment.name))" tests="\(cases.count)" failures="\(failures)" \
            errors="\(errors)" skipped="\(skipped)" time="\(result.seconds)" timestamp="\(result.startedAt)">
            \(cases.joined(separator: "\n"))
              <system-out>\(Markup.escaped("seed \(result.seed); \(result.replay)"))</system-out>
            </testsuite>

            """
    }

    private static func element(_ name: String, _ message: String, _ body: String) -> String {
        #"<\#(name) message="\#(Markup.escaped(message))">\#(Markup.escaped(body))</\#(name)>"#
    }
}

/// Text inside of XML and HTML.
enum Markup {
    /// Escapes what means something there; control characters, which XML cannot hold, become a replacement character.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
                result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
            }
        }
        return result
    }
}
