import JSON

/// What an order costs in things that can be counted, as the repository keeps it.
package struct CostFigures: Sendable, Equatable {
    /// Orders one after the other, and many at once.
    package enum Shape: String, CaseIterable, Sendable {
        /// One client: every batch is a batch of one, so the counts say what the code does and not how busy the machine is.
        case alone
        /// Many clients: what batching makes of it.
        case crowd

        var clients: Int {
            switch self {
            case .alone: 1
            case .crowd: 200
            }
        }

        var orders: Int {
            switch self {
            case .alone: 150
            case .crowd: 3000
            }
        }
    }

    package enum Figure: String, CaseIterable, Sendable {
        case commits, statements, messages, logBytes

        var title: String { self == .logBytes ? "bytes of Postgres' log" : rawValue }

        /// How far above the kept figure one may be. How large batches are depends on the machine: what is counted by the
        /// batch has room under a crowd, and yet shows when batching is lost.
        func tolerance(_ shape: Shape) -> Double {
            switch (shape, self) {
            case (.alone, _), (.crowd, .messages), (.crowd, .logBytes): 1.1
            case (.crowd, .commits), (.crowd, .statements): 2
            }
        }
    }

    struct Key: Hashable, Sendable {
        var shape: Shape
        var figure: Figure
    }

    var values: [Key: Double] = [:]

    init() {}

    /// Takes what a run was seen to cost.
    mutating func take(_ measurement: Measurement, of shape: Shape) {
        values[Key(shape: shape, figure: .commits)] = measurement.commits
        values[Key(shape: shape, figure: .statements)] = measurement.statements
        values[Key(shape: shape, figure: .messages)] = measurement.messages
        values[Key(shape: shape, figure: .logBytes)] = measurement.logBytes
    }

    /// One figure against the kept one.
    struct Finding: Sendable, Equatable {
        enum Verdict: Sendable, Equatable {
            case held, better, worse
            /// Not counted, or not kept.
            case missing
        }

        var key: Key
        var kept: Double?
        var found: Double?
        var verdict: Verdict
    }

    /// Compares what was found with what is kept in `self`, in a fixed order.
    func judge(_ found: CostFigures) -> [Finding] {
        Shape.allCases.flatMap { shape in
            Figure.allCases.map { figure in
                let key = Key(shape: shape, figure: figure)
                let (kept, now) = (values[key], found.values[key])
                guard let kept, let now else {
                    return Finding(key: key, kept: kept, found: now, verdict: .missing)
                }
                let tolerance = figure.tolerance(shape)
                let verdict: Finding.Verdict =
                    now > kept * tolerance ? .worse : now * tolerance < kept ? .better : .held
                return Finding(key: key, kept: kept, found: now, verdict: verdict)
            }
        }
    }

    // MARK: The file

    /// Reads the file; nil for anything else.
    init?(parsing bytes: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: bytes))?.root else { return nil }
        for shape in Shape.allCases {
            guard let object = root.member(named: shape.rawValue) else { return nil }
            for figure in Figure.allCases {
                guard let text = object.member(named: figure.rawValue)?.numberText, let value = Double(text) else {
                    return nil
                }
                values[Key(shape: shape, figure: figure)] = value
            }
        }
    }

    /// The file: a line a shape, so that a change shows well in a comparison.
    var written: [UInt8] {
        let lines = Shape.allCases.map { shape in
            let members = Figure.allCases.map { figure in
                let value = values[Key(shape: shape, figure: figure)] ?? 0
                return "\"\(figure.rawValue)\": \(Figures.decimal(value, figure == .logBytes ? 0 : 2))"
            }
            return "  \"\(shape.rawValue)\": {\(members.joined(separator: ", "))}"
        }
        return Array(("{\n" + lines.joined(separator: ",\n") + "\n}\n").utf8)
    }
}
