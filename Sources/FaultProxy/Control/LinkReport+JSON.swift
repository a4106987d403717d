import JSON

extension LinkReport: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("port", port)
            json.member("target", target)
            json.member("upstream", upstream)
            json.member("downstream", downstream)
            json.object("counts") {
                $0.member("accepted", counts.accepted)
                $0.member("open", counts.open)
                $0.member("cut", counts.cut)
                $0.member("unreachable", counts.unreachable)
                $0.member("upstreamBytes", counts.upstreamBytes)
                $0.member("downstreamBytes", counts.downstreamBytes)
            }
        }
    }
}
