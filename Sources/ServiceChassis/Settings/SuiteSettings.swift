/// Settings of single services, which their neighbours must not report as mistyped: one environment may serve them all.
package enum SuiteSettings {
    package static let keys = [
        "INVENTORY_URL", "PAYMENT_URL", "SHIPPING_URL", "BUILTIN_SLOW_SECONDS", "BUILTIN_DISPATCH_SECONDS",
        "BUILTIN_DELIVER_SECONDS",
    ]
}
