import Clocks
import HTTPCodec
import JSON

extension HealthReport {
    /// The answer of a health route: 200 when up, 503 when down, never cached on its way.
    package var response: HTTPResponse {
        var json = JSONWriter()
        json.object {
            $0.member("status", status.rawValue)
            $0.object("checks") {
                for check in checks {
                    $0.name(check.name)
                    $0.object {
                        $0.member("status", check.status.rawValue)
                        $0.member("duration", check.duration.inSeconds)
                        $0.member("detail", check.detail)
                    }
                }
            }
            $0.member("duration", duration.inSeconds)
        }
        var response = HTTPResponse.json(json.bytes, status: status == .up ? .ok : .serviceUnavailable)
        response.fields.append("Cache-Control", "no-store")
        if status == .down { response.fields.append("Retry-After", "1") }
        return response
    }
}
