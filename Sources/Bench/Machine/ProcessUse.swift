import Glibc
import LocalStack

/// What a process has used so far, as `/proc` says.
struct ProcessUse: Sendable, Equatable {
    var name: String
    var parent: Int32
    /// Ticks since boot; with the id it tells a process from a later one.
    var start: UInt64
    /// Ticks of processor time, user and system.
    var own: Int64
    /// The same of children that have ended and were waited for, and of theirs.
    var reaped: Int64

    /// nil when there is no such process.
    static func read(_ pid: Int32) -> ProcessUse? { Files.text("/proc/\(pid)/stat").flatMap(parse) }

    /// Reads `/proc/PID/stat`. The name stands in parentheses and may hold blanks and parentheses itself.
    static func parse(_ text: String) -> ProcessUse? {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        // The fields are numbered from 1 in proc(5), and the first two are before and in the parentheses.
        guard fields.count > 19, let parent = Int32(fields[1]), let user = Int64(fields[11]),
            let system = Int64(fields[12]), let childUser = Int64(fields[13]), let childSystem = Int64(fields[14]),
            let start = UInt64(fields[19])
        else { return nil }
        return ProcessUse(
            name: String(text[text.index(after: open)..<close]), parent: parent, start: start, own: user + system,
            reaped: childUser + childSystem)
    }

    /// All processes by id; those that end while it reads are left out.
    static func all() -> [Int32: ProcessUse] {
        var found: [Int32: ProcessUse] = [:]
        for pid in Files.list("/proc").compactMap({ Int32($0) }) { found[pid] = read(pid) }
        return found
    }

    /// Resident bytes of a process: `VmRSS` of `/proc/PID/status`.
    static func residentBytes(_ pid: Int32) -> Int64? {
        Files.text("/proc/\(pid)/status").flatMap(residentBytes(inStatus:))
    }

    static func residentBytes(inStatus text: String) -> Int64? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int64($0.drop { $0 == "\t" }) })
        else { return nil }
        return kilobytes * 1024
    }

    /// How long a tick is.
    static let millisecondsPerTick = 1000 / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
}
