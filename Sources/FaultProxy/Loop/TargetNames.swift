import CLinux
import Clocks
import Glibc
import Synchronization

/// The addresses of targets that are given by name.
///
/// The system's resolver blocks, so threads of their own ask it twice a second; the loop takes what is known. A name that
/// is not resolved any more has no address: the one it had may be somebody else's by now.
final class TargetNames: Sendable {
    private let names: [String]
    /// In network order, by name.
    private let addresses = Mutex<[String: UInt32]>([:])

    /// Asks once before it returns, so that targets which are there can be reached from the beginning.
    init(_ links: [LinkSpecification]) {
        names = Set(links.map(\.targetHost).filter { Self.number($0) == nil }).sorted()
        lookUp()
    }

    /// The address of a host in network order; nil while its name cannot be resolved.
    func address(of host: String) -> UInt32? {
        Self.number(host) ?? addresses.withLock { $0[host] }
    }

    /// Asks again and again until the task is cancelled; without names there is nothing to ask.
    func follow(_ time: any TimeSource) async {
        guard !names.isEmpty else { return }
        while (try? await time.sleep(for: .milliseconds(500))) != nil {
            await withCheckedContinuation { continuation in
                LoopThread.start {
                    self.lookUp()
                    continuation.resume()
                }
            }
        }
    }

    private func lookUp() {
        for name in names {
            let address = Self.resolve(name)
            addresses.withLock { $0[name] = address }
        }
    }

    private static func number(_ host: String) -> UInt32? {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 ? address.s_addr : nil
    }

    private static func resolve(_ name: String) -> UInt32? {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(first) }
        return first.pointee.ai_addr?.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            $0.pointee.sin_addr.s_addr
        }
    }
}
