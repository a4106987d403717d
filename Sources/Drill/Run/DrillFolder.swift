import Clocks
import Glibc
import LocalStack

/// Where drills keep what has to outlive them, in the stack's folder: the lock, the leftovers, the stop file.
package struct DrillFolder: Sendable {
    package let stackFolder: String
    package var path: String { stackFolder + "/drills" }
    /// One file for each fault that is under way or was left behind.
    package var leftovers: String { path + "/leftovers" }
    /// Whoever makes this file ends the drill that runs: it heals and says that it was stopped.
    package var stopFile: String { path + "/stop" }

    /// Makes the folders.
    package init(stackFolder: String) throws(DrillError) {
        guard let absolute = Files.canonical(stackFolder) else {
            throw DrillError("there is no folder \(stackFolder): name the stack's with --data, or add --up")
        }
        self.stackFolder = absolute
        do throws(FileError) { try Files.makeDirectory(leftovers) } catch { throw DrillError("\(error)") }
    }

    /// - Throws: when another drill runs on this stack.
    package func lock() throws(DrillError) -> StackLock {
        do {
            return try StackFolder(path).lock()
        } catch {
            throw DrillError("another drill runs on this stack: wait for it, or stop it with: touch \(stopFile)")
        }
    }

    /// The share of the disk that is free; nil when it cannot be told.
    package var freeDisk: Double? {
        var status = statvfs()
        guard statvfs(stackFolder, &status) == 0, status.f_blocks > 0 else { return nil }
        return Double(status.f_bavail) / Double(status.f_blocks)
    }
}
