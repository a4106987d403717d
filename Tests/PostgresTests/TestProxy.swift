import Glibc
import Synchronization

/// Stands between a client and the server and does harm at a moment of the test's choosing.
final class TestProxy: Sendable {
    enum Fault {
        /// The line is cut; what holds the trigger reaches the server or not.
        case cut(forwarding: Bool)
        /// What holds the trigger reaches the server, whose answer reaches the client as nonsense.
        case garble
        /// Nothing is read or answered any more, on new connections neither, but none is closed: a network that drops
        /// all packets. It begins when armed, without a trigger.
        case silence
    }

    let port: Int
    private let listener: Int32
    private let server: Int
    /// The fault happens as soon as the client has sent this, once armed; what was sent before still reaches the server.
    private let trigger: [UInt8]
    private let fault: Fault
    private let isArmed = Atomic(false)
    private let hasSwallowedFlag = Atomic(false)

    init(to server: Int, at trigger: String = "", _ fault: Fault) {
        self.server = server
        self.trigger = Array(trigger.utf8)
        self.fault = fault
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            _ = bind(descriptor, pointer, length)
            _ = listen(descriptor, 8)
            getsockname(descriptor, pointer, &length)
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.startThread { self.accept() }
    }

    /// Whether something was sent into the silence.
    var hasSwallowed: Bool { hasSwallowedFlag.load(ordering: .acquiring) }

    func arm() { isArmed.store(true, ordering: .releasing) }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func accept() {
        while case let client = Glibc.accept(listener, nil, nil), client >= 0 {
            let upstream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(server)
            withUnsafeBytes(of: &address) {
                _ = connect(
                    upstream, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            Self.startThread { self.forward(from: upstream, to: client, watching: false) }
            Self.startThread { self.forward(from: client, to: upstream, watching: true) }
        }
        close(listener)
    }

    private func forward(from source: Int32, to target: Int32, watching: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if isSilent, isArmed.load(ordering: .acquiring) {
                hasSwallowedFlag.store(true, ordering: .releasing)
                return
            }
            let isHit = watching && isArmed.load(ordering: .acquiring) && contains(buffer[..<count])
            guard isHit else {
                _ = send(target, buffer, count, Int32(MSG_NOSIGNAL))
                continue
            }
            switch fault {
            case .silence: return
            case .cut(let forwarding):
                shutdown(source, Int32(SHUT_RDWR))
                if forwarding { _ = send(target, buffer, count, Int32(MSG_NOSIGNAL)) }
            case .garble:
                // A message of the server with a length that cannot be.
                let nonsense: [UInt8] = [UInt8(ascii: "C"), 0, 0, 0, 1, 0, 0, 0]
                _ = send(source, nonsense, nonsense.count, Int32(MSG_NOSIGNAL))
                _ = send(target, buffer, count, Int32(MSG_NOSIGNAL))
            }
            break
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_WR))
    }

    private var isSilent: Bool {
        if case .silence = fault { true } else { false }
    }

    private func contains(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !trigger.isEmpty, bytes.count >= trigger.count else { return false }
        return (bytes.startIndex...bytes.endIndex - trigger.count).contains {
            bytes[$0..<$0 + trigger.count].elementsEqual(trigger)
        }
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        precondition(result == 0, "no thread for a test's proxy")
        pthread_detach(thread)
    }
}
