/// How the text of a setting becomes a value, and what it may be.
package struct SettingKind<Value: Sendable>: Sendable {
    /// What the value is, for people: `whole number`.
    package var name: String
    /// The values allowed, for people: `1 to 65535`.
    package var range: String?
    package var unit: String?
    /// Reads the text; nil when it is not one of the values allowed.
    package var parse: @Sendable (String) -> Value?
    /// Writes the value as a user would; must be readable by `parse`, and hide what is secret.
    package var render: @Sendable (Value) -> String
    /// What stands in for the value once it was refused, so that reading goes on and finds the other faults too.
    package var placeholder: Value
    /// Whether a value that cannot be read may hold a secret, so that not even a fault shows it.
    package var hidesFaultyValue = false

    package init(
        name: String, range: String? = nil, unit: String? = nil, placeholder: Value,
        render: @escaping @Sendable (Value) -> String, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.name = name
        self.range = range
        self.unit = unit
        self.placeholder = placeholder
        self.render = render
        self.parse = parse
    }
}

extension SettingKind where Value == String {
    /// Text of 1 to `length` characters that are no control characters.
    package static func text(upTo length: Int = 255) -> SettingKind {
        SettingKind(name: "text", range: "1 to \(length) characters", placeholder: "", render: { $0 }) { text in
            let isPrintable = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
            return isPrintable && !text.isEmpty && text.unicodeScalars.count <= length ? text : nil
        }
    }
}

extension SettingKind where Value == Int {
    /// A whole number of the range.
    package static func integer(_ allowed: ClosedRange<Int>, unit: String? = nil) -> SettingKind {
        SettingKind(
            name: "whole number", range: "\(allowed.lowerBound) to \(allowed.upperBound)", unit: unit,
            placeholder: allowed.lowerBound, render: { String($0) }
        ) { text in
            guard let value = Int(text), allowed.contains(value) else { return nil }
            return value
        }
    }

    /// A TCP port; 0 asks the kernel for any free one.
    package static var port: SettingKind {
        var kind = integer(0...65_535)
        kind.name = "port"
        return kind
    }

    /// A number of bytes, plain or with `KiB`, `MiB` or `GiB` behind it.
    package static func size(_ allowed: ClosedRange<Int>) -> SettingKind {
        SettingKind(
            name: "size", range: "\(SizeText.write(allowed.lowerBound)) to \(SizeText.write(allowed.upperBound))",
            unit: "bytes, KiB, MiB or GiB", placeholder: allowed.lowerBound, render: SizeText.write
        ) { text in
            guard let value = SizeText.read(text), allowed.contains(value) else { return nil }
            return value
        }
    }
}

extension SettingKind where Value == Int? {
    /// A whole number of the range, or `off`, which reads as nil.
    package static func integerOrOff(_ allowed: ClosedRange<Int>) -> SettingKind {
        let integer = SettingKind<Int>.integer(allowed)
        return SettingKind(
            name: "whole number or `off`", range: integer.range, placeholder: nil,
            render: { $0.map(String.init) ?? "off" }
        ) { text in
            if text == "off" { return .some(nil) }
            return integer.parse(text).map(Optional.some)
        }
    }
}

extension SettingKind where Value == Double {
    /// A decimal number of the range.
    package static func number(_ allowed: ClosedRange<Double>) -> SettingKind {
        SettingKind(
            name: "number", range: "\(allowed.lowerBound) to \(allowed.upperBound)", placeholder: allowed.lowerBound,
            render: { String($0) }
        ) { text in
            guard text.utf8.allSatisfy({ $0 == 0x2E || $0 == 0x2D || (0x30...0x39).contains($0) }),
                let value = Double(text), allowed.contains(value)
            else { return nil }
            return value
        }
    }
}

extension SettingKind where Value == Bool {
    /// `on` or `off`; `true` and `false` are understood too.
    package static var flag: SettingKind {
        SettingKind(name: "`on` or `off`", placeholder: false, render: { $0 ? "on" : "off" }) { text in
            switch text {
            case "on", "true": true
            case "off", "false": false
            default: nil
            }
        }
    }
}

extension SettingKind where Value == Duration {
    /// A decimal number of seconds of the range, such as `2` or `0.25`.
    package static func seconds(_ allowed: ClosedRange<Duration>) -> SettingKind {
        SettingKind(
            name: "number",
            range: "\(SecondsText.write(allowed.lowerBound)) to \(SecondsText.write(allowed.upperBound))",
            unit: "seconds", placeholder: allowed.lowerBound, render: SecondsText.write
        ) { text in
            guard let value = SecondsText.read(text), allowed.contains(value) else { return nil }
            return value
        }
    }
}

extension SettingKind where Value == Duration? {
    /// A decimal number of seconds of the range, or `off`, which reads as nil.
    package static func secondsOrOff(_ allowed: ClosedRange<Duration>) -> SettingKind {
        let seconds = SettingKind<Duration>.seconds(allowed)
        return SettingKind(
            name: "number or `off`", range: seconds.range, unit: seconds.unit, placeholder: nil,
            render: { $0.map(SecondsText.write) ?? "off" }
        ) { text in
            if text == "off" { return .some(nil) }
            return seconds.parse(text).map(Optional.some)
        }
    }
}

extension SettingKind where Value: CaseIterable & RawRepresentable<String> {
    /// One of the enumeration's raw values.
    package static func choice(of type: Value.Type = Value.self) -> SettingKind {
        let names = Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        return SettingKind(
            name: "one of \(names)", placeholder: Value.allCases.first!, render: { $0.rawValue },
            parse: { Value(rawValue: $0) })
    }
}
