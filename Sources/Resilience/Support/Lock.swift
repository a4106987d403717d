import Clocks

/// The lock of all policies.
typealias Lock<Value: ~Copyable> = Clocks.Lock<Value>
