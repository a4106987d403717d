/// One SQL statement with its parameters.
///
/// It is prepared once a connection and recognised by its text: keep the text constant and pass what varies as
/// parameters. The server infers the parameters' types, so cast them where it could not (`$1::uuid[]`).
package struct Statement: Sendable {
    package let sql: String
    package let parameters: [Parameter]

    package init(_ sql: String, _ parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}
