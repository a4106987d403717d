import Glibc
import LocalStack

/// Fills the filesystem on which Postgres keeps its data, so that it can neither write nor extend a table.
///
/// Only one that was made for it is filled: at most 8 GiB, and not the machine's own.
package struct FillDiskFault: Fault {
    package static let kind = "fill-disk"
    package static let summary = "fills the small filesystem that holds Postgres' data, and gives it back when it heals"

    private static let largest: UInt64 = 8 << 30
    /// How much is left free, in KiB.
    private let left: Int

    package init(_ fields: FieldReader) { left = fields.integer("leaveKilobytes", in: 0...1_000_000, or: 0) }

    package var targets: [TargetSelector] { [DrillContext.postgres] }

    package func missing(in context: DrillContext) async -> String? {
        guard let folder = try? context.drills().postgresData else { return context.missingControl }
        guard let size = Filesystem(folder) else { return "\(folder) cannot be looked at" }
        if size.total <= Self.largest, !size.isMachines { return nil }
        return
            "\(folder) lies on a filesystem of \(size.total >> 30) GiB, which is not filled: start the stack with its "
            + "data on a small one of its own (mount -t tmpfs -o size=700m tmpfs DIR; holdfast up --drills --data DIR)"
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        if let reason = await missing(in: context) { throw DrillError(reason) }
        let folder = try context.drills().postgresData
        let path = "\(folder)/\(context.tag).fill"
        try context.remember("file", path)
        // Postgres ends itself when its log cannot be written, and the supervisor starts it again and again.
        for target in context.targets { for _ in 0..<30 { try context.expectRestart(of: target) } }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DrillError("\(path) cannot be made: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var written = 0
        while let size = Filesystem(folder) {
            let room = Int(size.free) - left * 1024
            guard room > 0 else { break }
            let step = min(room, 16 << 20)
            guard posix_fallocate(file, off_t(written), off_t(step)) == 0 else { break }
            written += step
        }
        return "filled the filesystem of Postgres' data with \(written >> 20) MiB"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        guard let path = context.remembered("file"), Files.exists(path) else {
            return "nothing to heal: nothing was filled"
        }
        Files.remove(path)
        return "gave the space back"
    }
}

/// The size of the filesystem below a path.
private struct Filesystem {
    var total: UInt64
    /// What root may still use.
    var free: UInt64
    /// Whether it is the one of `/`.
    var isMachines: Bool

    init?(_ path: String) {
        var sizes = statvfs()
        var (place, root) = (stat(), stat())
        guard statvfs(path, &sizes) == 0, stat(path, &place) == 0, stat("/", &root) == 0 else { return nil }
        total = UInt64(sizes.f_blocks) * UInt64(sizes.f_frsize)
        free = UInt64(sizes.f_bfree) * UInt64(sizes.f_frsize)
        isMachines = place.st_dev == root.st_dev
    }
}
