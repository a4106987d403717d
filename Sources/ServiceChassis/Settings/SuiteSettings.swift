/// Settings of single services, which their neighbours must not report as mistyped: one environment may serve them all.
package enum SuiteSettings {
    package static let keys = [
        "INVENTORY_URL", "PAYMENT_URL", "SHIPPING_URL", "BUILTIN_SLOW_SECONDS", "BUILTIN_DISPATCH_SECONDS",
        "BUILTIN_DELIVER_SECONDS", "PAYMENT_PROVIDER", "PROVIDER_URL", "CARRIER", "CARRIER_URL", "WEBHOOK_SECRET",
        "DATA_DIR", "PAYMENT_WEBHOOK_URL", "CARRIER_WEBHOOK_URL", "WEBHOOK_ATTEMPTS", "WEBHOOK_TIMEOUT_SECONDS",
        "SLOW_SECONDS", "PENDING_SECONDS", "DISPATCH_SECONDS", "DELIVER_SECONDS", "LEDGER_LIMIT", "RATE_LIMIT_ORDERS",
    ]
}
