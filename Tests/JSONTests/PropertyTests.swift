import JSON
import Testing

/// Properties over random trees. `JSON_PROPERTY_SEED` replays a sequence.
@Suite("Properties")
struct PropertyTests {
    private let seed = setting("JSON_PROPERTY_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)

    @Test("what the writer writes reads back the same")
    func roundTrip() throws {
        var random = SplitMix(seed: seed)
        for round in 0..<2000 {
            let tree = Tree.random(depth: 4, &random)
            var json = JSONWriter(capacity: 0)
            tree.write(to: &json)
            let root = try JSONDocument(parsing: json.bytes).root
            let isSame = Tree(root) == tree
            #expect(isSame, "JSON_PROPERTY_SEED=\(seed) round \(round)")
            #expect(Array(root.source) == json.bytes)
        }
    }

    @Test("documents have one canonical form just when they are equal")
    func canonicalForm() throws {
        var random = SplitMix(seed: seed)
        var previous: (tree: Tree, form: [UInt8]) = (.null, Array("null".utf8))
        for round in 0..<2000 {
            let tree = Tree.random(depth: 3, &random)
            let comment: Comment = "JSON_PROPERTY_SEED=\(seed) round \(round)"
            let form = try JSONDocument(parsing: Array(tree.variant(&random).utf8)).canonicalBytes
            #expect(try JSONDocument(parsing: Array(tree.variant(&random).utf8)).canonicalBytes == form, comment)
            // Reading the form again changes nothing, in meaning or in bytes.
            let again = try JSONDocument(parsing: form)
            #expect(again.canonicalBytes == form, comment)
            let (isSame, equalsPrevious) = (Tree(again.root) == tree, tree == previous.tree)
            #expect(isSame, comment)
            #expect((form == previous.form) == equalsPrevious, comment)
            previous = (tree, form)
        }
    }

    @Test("every pointer leads back to its value")
    func pointers() throws {
        var random = SplitMix(seed: seed)
        for round in 0..<300 {
            let text = Tree.random(depth: 4, &random).variant(&random)
            try check(read(text), .root, "JSON_PROPERTY_SEED=\(seed) round \(round)")
        }
    }

    private func check(_ value: JSONValue, _ pointer: JSONPointer, _ comment: Comment) throws {
        #expect(value.pointer == pointer, comment)
        for (position, element) in value.elements.enumerated() {
            try check(element, pointer.appending(.index(position)), comment)
        }
        for member in value.members {
            try check(member.value, pointer.appending(.member(member.name)), comment)
        }
    }
}
