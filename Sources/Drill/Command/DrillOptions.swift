import LocalStack

/// What `holdfast drill` was asked to do.
package struct DrillOptions: Sendable, Equatable {
    package enum Command: String, CaseIterable, Sendable {
        case list, run, verify, heal, `guard`
    }

    package var command: Command
    /// Names or files of experiments.
    package var experiments: [String] = []
    package var runsAll = false
    package var tag: String?
    package var seed: UInt64?
    package var place = DrillPlace.local
    /// The project of Compose.
    package var project = ""
    /// The program that speaks to a cluster.
    package var kubectl = "kubectl"
    /// Where a cluster's experiments act.
    package var namespace = "holdfast-staging"
    package var dataFolder = ".holdfast"
    package var experimentFolder = "chaos-experiments/local"
    /// Where results go; nil means `drills/` in the stack's folder, or `.holdfast/drills` with `--up`.
    package var resultFolder: String?
    /// Whether each drill gets a stack of its own.
    package var startsStack = false
    package var programFolder: String?
    package var isDryRun = false
    /// How many times as long as the experiments say things may take.
    package var slack = 1
    package var listsFaults = false
    /// The runner a guard watches.
    package var runner: String?

    package static let helpText = """
        Usage: holdfast drill list | run NAME|FILE… | verify | heal  [OPTIONS]

          list                 the experiments there are; with --faults the faults that they can make
          run NAME|FILE…       make the faults while orders are placed, heal, and check every promise
          verify               check a stack at rest, without faults or load
          heal                 undo what a drill that was killed left behind

          --seed N             repeats a run: the same orders, targets and times (default: drawn, and printed)
          --target PLACE       where: local (processes on this machine, the default), compose (containers, of
                               make compose-up DRILLS=on), kubernetes (applies the experiment of that name for Litmus or
                               Chaos Mesh, waits for its verdict, and takes it away)
          --project NAME       the project of Compose (default: the name of this folder)
          --namespace NAME     where Chaos Mesh's experiments are (default holdfast-staging)
          --data DIR           the folder of the stack (default .holdfast; .holdfast/compose for containers)
          --up                 start a stack of the drill's own, on free ports, and stop it afterwards
          --programs DIR       where that stack's programs are (default: beside this one)
          --all, --tag TAG     run every experiment of the folder, or those with this tag
          --experiments DIR    the folder of the experiments (default chaos-experiments/local)
          --out DIR            where history, journal and report go (default: drills/ in the folder of the stack)
          --slack N            on a machine with other work, 1 to 10: everything that is measured in time, and the share of
                               requests that may fail, may be N times as much; what has to be right is not affected
          --dry-run            say which faults would be made, where and when, and make none

        Exit codes: 0 every promise held, 1 one was broken, 2 nothing can be said.
        """

    /// - Throws: ``DrillError`` with what is wrong and what would be right.
    package init(arguments: [String], environment: [String: String]) throws(DrillError) {
        var rest = arguments[...]
        guard let word = rest.popFirst(), let command = Command(rawValue: word) else {
            throw DrillError("say what to do: holdfast drill list, run, verify or heal\n\n" + Self.helpText)
        }
        self.command = command
        var data = environment["HOLDFAST_DATA"].flatMap { $0.isEmpty ? nil : $0 }
        if let program = environment["KUBECTL"], !program.isEmpty { kubectl = program }
        project = environment["COMPOSE_PROJECT_NAME"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.projectOfFolder
        if let folder = environment["HOLDFAST_PROGRAMS"], !folder.isEmpty { programFolder = folder }
        func value(_ option: String) throws(DrillError) -> String {
            guard let value = rest.popFirst(), !value.isEmpty else { throw DrillError("\(option) needs a value") }
            return value
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--seed":
                let text = try value(argument)
                guard let number = UInt64(text) else {
                    throw DrillError("--seed is \"\(text)\" and should be a whole number")
                }
                seed = number
            case "--target":
                let text = try value(argument)
                guard let named = DrillPlace(rawValue: text) else {
                    throw DrillError("--target is \"\(text)\" and should be local, compose or kubernetes")
                }
                place = named
            case "--project": project = try value(argument)
            case "--namespace": namespace = try value(argument)
            case "--slack":
                let text = try value(argument)
                guard let number = Int(text), (1...10).contains(number) else {
                    throw DrillError("--slack is \"\(text)\" and should be a whole number from 1 to 10")
                }
                slack = number
            case "--data": data = try value(argument)
            case "--experiments": experimentFolder = try value(argument)
            case "--out": resultFolder = try value(argument)
            case "--programs": programFolder = try value(argument)
            case "--tag": tag = try value(argument)
            case "--runner": runner = try value(argument)
            case "--all": runsAll = true
            case "--up": startsStack = true
            case "--dry-run": isDryRun = true
            case "--faults": listsFaults = true
            default:
                guard !argument.hasPrefix("-"), command == .run else {
                    throw DrillError("unknown argument \"\(argument)\"; see holdfast drill help\n\n" + Self.helpText)
                }
                experiments.append(argument)
            }
        }
        dataFolder = data ?? (place == .compose ? ".holdfast/compose" : ".holdfast")
        if startsStack, place != .local {
            throw DrillError("--up starts a stack of processes; \(place.rawValue) has to be there before a drill")
        }
        if command == .run, experiments.isEmpty, !runsAll, tag == nil {
            throw DrillError("say which: holdfast drill run NAME (holdfast drill list shows them), --tag TAG or --all")
        }
        if command == .guard, runner == nil { throw DrillError("guard needs --runner; drills start it themselves") }
    }

    /// What Compose calls a project that was given no name: the folder's, in small letters without what is no letter, digit,
    /// dash or underscore.
    private static var projectOfFolder: String {
        let path = Files.canonical(".") ?? ""
        return path.split(separator: "/").last.map(String.init)?.lowercased()
            .filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) } ?? ""
    }

    /// The path of an experiment given by name or by path.
    package func path(of experiment: String) -> String {
        experiment.contains("/") || experiment.hasSuffix(".yaml")
            ? experiment : "\(experimentFolder)/\(experiment).yaml"
    }
}
