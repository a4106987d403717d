#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The seeds of a property test: these, or the one alone that `HOLDFAST_SEED` names in the environment, to replay what
/// a failure has printed.
func replayable(_ seeds: Range<UInt64>) -> [UInt64] {
    guard let text = getenv("HOLDFAST_SEED"), let seed = UInt64(String(cString: text)) else { return Array(seeds) }
    return [seed]
}
