import Glibc
import LocalStack

/// The executables built together with the tests.
package enum BuiltPrograms {
    /// The folder they are in.
    package static var folder: String {
        let own = Files.canonical("/proc/self/exe") ?? CommandLine.arguments[0]
        let folders = [own, CommandLine.arguments[0]].map(parent(of:)) + [Files.workingDirectory + "/.build/debug"]
        return folders.first { Files.isExecutable($0 + "/holdfast") } ?? folders[0]
    }

    /// The path of one of the package's executables, such as `dev-broker`.
    package static func path(_ name: String) -> String {
        "\(folder)/\(name)"
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }
}
