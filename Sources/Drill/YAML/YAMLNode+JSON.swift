import JSON

extension YAMLNode {
    /// The same value in JSON, which is YAML too: text in quotes, nothing as `null`.
    func encode(to json: inout JSONWriter) {
        switch content {
        case .scalar(let text, _):
            if isNothing { json.null() } else { json.string(text) }
        case .sequence(let nodes):
            json.array(nodes) { $1.encode(to: &$0) }
        case .mapping(let members):
            json.object { json in
                for member in members {
                    json.name(member.name)
                    member.value.encode(to: &json)
                }
            }
        }
    }
}
