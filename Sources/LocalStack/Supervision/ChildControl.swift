import Clocks

/// How drills have a say in the next start of a child: files in a folder that the supervisor looks at before each.
///
/// `LABEL.hold` keeps the child from being started again while it is there, `LABEL.environment` adds variables to its
/// environment, one `NAME=VALUE` a line. Removing the file undoes it. Without a drill the folder is empty.
package struct ChildControl: Sendable {
    /// Absolute.
    package let folder: String
    private let time: any TimeSource

    /// A drill that died leaves its file; the child is then started after so long all the same.
    package static let longestHold = Duration.seconds(600)

    package init(folder: String, time: any TimeSource) {
        self.folder = folder
        self.time = time
    }

    package static func holdFile(_ label: String, in folder: String) -> String { "\(folder)/\(label).hold" }

    package static func environmentFile(_ label: String, in folder: String) -> String {
        "\(folder)/\(label).environment"
    }

    /// Makes the folder, without what a drill of an earlier run left in it.
    func prepare() throws(FileError) {
        Files.removeTree(folder)
        try Files.makeDirectory(folder)
    }

    /// Waits while the child is held.
    ///
    /// - Throws: `CancellationError`.
    func waitWhileHeld(_ label: String) async throws {
        let file = Self.holdFile(label, in: folder)
        let deadline = time.now.advanced(by: Self.longestHold)
        while Files.exists(file), time.now < deadline { try await time.sleep(for: .milliseconds(50)) }
    }

    /// The variables that the next start adds; lines without an equals sign or a name are left out.
    func environment(_ label: String) -> [String: String] {
        var variables: [String: String] = [:]
        for line in (Files.text(Self.environmentFile(label, in: folder)) ?? "").split(separator: "\n") {
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, !pair[0].isEmpty { variables[String(pair[0])] = String(pair[1]) }
        }
        return variables
    }
}
