import CLibpq

/// Owns one libpq result.
///
/// Sendable: a result is complete and never changes once libpq has handed it out, libpq allows reading it from any thread,
/// and it is freed once, when nobody refers to it any more.
final class LibpqResult: @unchecked Sendable {
    private let pointer: OpaquePointer?

    /// Takes ownership.
    init(_ pointer: OpaquePointer?) {
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }
    var rowCount: Int { Int(PQntuples(pointer)) }
    var affectedCount: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    func columnName(_ column: Int) -> String {
        PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "\(column)"
    }

    /// Reads a value in place; nil for NULL.
    func withValue<Value>(row: Int, column: Int, _ read: (UnsafeRawBufferPointer) -> Value) -> Value? {
        let row = Int32(row)
        let column = Int32(column)
        guard column < PQnfields(pointer), PQgetisnull(pointer, row, column) == 0 else { return nil }
        return read(
            UnsafeRawBufferPointer(
                start: PQgetvalue(pointer, row, column), count: Int(PQgetlength(pointer, row, column))))
    }

    var serverError: PostgresError.ServerError? {
        guard let state = field("C") else { return nil }
        return PostgresError.ServerError(
            sqlState: state, message: field("M") ?? "", detail: field("D"), constraint: field("n"))
    }

    private func field(_ code: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, Int32(UInt8(ascii: code))).map { String(cString: $0) }
    }
}
