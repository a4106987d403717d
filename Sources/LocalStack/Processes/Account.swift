import Glibc

/// A user account of this machine.
package struct Account: Hashable, Sendable {
    package var name: String
    package var user: UInt32
    package var group: UInt32

    /// Whether this process runs as root.
    package static var isRoot: Bool { geteuid() == 0 }

    /// The account of that name, or nil.
    package init?(named name: String) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let status = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            getpwnam_r(name, &entry, buffer.baseAddress!, buffer.count, &found)
        }
        guard status == 0, found != nil else { return nil }
        self.name = name
        user = entry.pw_uid
        group = entry.pw_gid
    }

    /// The name of the account this process runs under; its number when it has none.
    package static var currentName: String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            let status = getpwuid_r(geteuid(), &entry, buffer.baseAddress!, buffer.count, &found)
            guard status == 0, found != nil, let name = entry.pw_name else { return String(geteuid()) }
            return String(cString: name)
        }
    }
}
