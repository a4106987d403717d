import Saga
import Testing

@Suite("A saga's definition")
struct SagaDefinitionTests {
    @Test(
        "does not build when it could leave something half done",
        arguments: [
            ([], SagaDefinitionError.noSteps),
            ([.retriable("a"), .pivot("p")], .notCompensatedBeforePivot("a")),
            ([.retriable("a"), .compensatable("b", undoneBy: "c")], .notCompensatedBeforePivot("a")),
            ([.pivot("p"), .compensatable("b", undoneBy: "c")], .notRetriableAfterPivot("b")),
            ([.pivot("p"), .pivot("q")], .secondPivot("q")),
            ([.compensatable("a", undoneBy: "a")], .duplicateName("a")),
            ([.compensatable("a", undoneBy: "x"), .compensatable("b", undoneBy: "x")], .duplicateName("x")),
        ] as [([SagaStep], SagaDefinitionError)])
    func refused(steps: [SagaStep], error: SagaDefinitionError) {
        #expect(throws: error) { try SagaDefinition("d", version: 1, steps: steps) }
    }

    @Test("builds without a pivot: all can be undone, or all goes through")
    func withoutPivot() throws {
        _ = try SagaDefinition("d", version: 1, steps: [.compensatable("a", undoneBy: "b")])
        _ = try SagaDefinition("d", version: 1, steps: [.retriable("a"), .retriable("b")])
    }
}
