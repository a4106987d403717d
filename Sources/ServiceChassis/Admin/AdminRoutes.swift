import HTTPCodec
import JSON
import Telemetry

/// The routes of every admin port: health, metrics, effective settings.
package enum AdminRoutes {
    package static func router(
        health: HealthRegistry, registry: MetricsRegistry, settings: [SettingsReader.Effective]
    ) -> Router {
        var router = Router()
        router.get("/health/live", access: .everyone) { _ in health.live().response }
        router.get("/health/ready", access: .everyone) { _ in await health.ready().response }
        router.get("/health/startup", access: .everyone) { _ in health.startup().response }
        router.get("/metrics", access: .everyone) { _ in
            HTTPResponse(contentType: "text/plain; version=0.0.4", bytes: registry.text())
        }
        let configuration = configurationDocument(settings)
        router.get("/admin/config", access: .operators) { _ in .json(configuration) }
        return router
    }

    /// `{"settings":[{"key","value","origin","default","secret"}]}` in the order in which they are read.
    static func configurationDocument(_ settings: [SettingsReader.Effective]) -> [UInt8] {
        var json = JSONWriter(capacity: 4096)
        json.object {
            $0.array("settings", settings) { json, setting in
                json.object {
                    $0.member("key", setting.description.key)
                    $0.member("value", setting.value)
                    $0.member("origin", setting.origin)
                    $0.member("default", setting.description.defaultText)
                    $0.member("secret", setting.description.isSecret)
                }
            }
        }
        return json.bytes
    }
}
