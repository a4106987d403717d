/// Writes one JSON value, without white space, straight into a byte array.
///
/// Commas and colons take care of themselves. That each name is followed by one value, that names differ and that
/// exactly one value is written in all is up to the caller; the closures of ``object(_:)`` and ``array(_:)`` see to
/// the brackets.
///
/// ```swift
/// var json = JSONWriter(capacity: 640)
/// json.object {
///     $0.member("id", order.id)
///     $0.object("total") { $0.member("amount", 3998) }
///     $0.array("lines", order.lines) { $0.value($1) }
/// }
/// send(json.bytes)
/// ```
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]
    private var needsComma = false

    /// Creates a writer with room for so many bytes before it has to grow.
    public init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Creates a writer that goes on behind `bytes`, in their memory if nobody else holds it.
    public init(appendingTo bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    // MARK: Containers

    /// Writes an object whose members `body` writes.
    @inlinable
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes an array whose elements `body` writes.
    @inlinable
    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes an array with one value, written by `body`, for each element.
    @inlinable
    public mutating func array<Elements: Sequence>(
        _ elements: Elements, _ body: (inout JSONWriter, Elements.Element) -> Void
    ) {
        open(UInt8(ascii: "["))
        for element in elements { body(&self, element) }
        close(UInt8(ascii: "]"))
    }

    /// Writes the name of the member whose value is written next.
    public mutating func name(_ name: StaticString) {
        separate()
        name.withUTF8Buffer { appendQuoted($0) }
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes the name, not known at compile time, of the member whose value is written next.
    public mutating func name(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Scalars

    /// Writes `null`.
    public mutating func null() {
        literal("null")
    }

    /// Writes `true` or `false`.
    public mutating func boolean(_ value: Bool) {
        if value { literal("true") } else { literal("false") }
    }

    /// Writes an integer exactly.
    @inlinable
    public mutating func integer(_ value: some FixedWidthInteger) {
        if let small = Int64(exactly: value) { int64(small) } else { raw(Array(value.description.utf8)) }
    }

    /// Writes the shortest number that reads back as `value`; `null` for NaN and the infinities, which JSON lacks.
    public mutating func number(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        bytes.append(contentsOf: value.description.utf8)
        needsComma = true
    }

    /// Writes a string, escaping what has to be.
    public mutating func string(_ value: String) {
        separate()
        let isDone: Void? = value.utf8.withContiguousStorageIfAvailable { appendQuoted($0) }
        if isDone == nil { Array(value.utf8).withUnsafeBufferPointer { appendQuoted($0) } }
        needsComma = true
    }

    /// Writes a string out of what `body` appends: printable ASCII without quote and backslash, for types that can
    /// write themselves without a string in between.
    public mutating func quoted(_ body: (inout [UInt8]) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        body(&bytes)
        assert(
            bytes[start...].allSatisfy(JSONBytes.isOrdinary), "what is written by quoted(_:) must not need escaping")
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Writes a value that is JSON already; it is not looked at.
    public mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    // MARK: Bytes

    @usableFromInline
    mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    @usableFromInline
    mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    @usableFromInline
    mutating func int64(_ value: Int64) {
        separate()
        needsComma = true
        var rest = value.magnitude
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        if rest < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            while rest > 0 {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        needsComma = true
    }

    private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
        JSONBytes.appendQuoted(text, to: &bytes)
    }
}
