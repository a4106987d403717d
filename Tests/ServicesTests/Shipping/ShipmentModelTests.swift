import Clocks
import Contracts
import Glibc
import TestSupport
import Testing

@testable import ShippingService

/// Everything that can go wrong between shipping-service and its carrier, in random order: calls and answers are lost, late
/// and repeated, workers die and come back after their claim, queries lie.
///
/// A failing seed is printed; `HOLDFAST_SEED` replays it.
@Suite("The booking of a shipment, whatever happens")
struct ShipmentModelTests {
    /// A carrier that keeps the one promise everything rests on: what it does under a key, it does once.
    struct Carrier {
        let refuses: Bool
        var state = "none"
        var bookings = 0

        mutating func receive(_ call: CarrierCall) -> CarrierAnswer {
            switch (call, state) {
            case (.book, "none"):
                state = refuses ? "refused" : "booked"
                bookings += refuses ? 0 : 1
            case (.book, "cancelled") where bookings == 0: return .tooLate("tombstone")
            case (.cancel, "none"), (.cancel, "booked"): state = "cancelled"
            default: break
            }
            return switch state {
            case "booked": .booked(reference: "r")
            case "refused": .refused
            case "cancelled": .cancelled
            default: .notFound
            }
        }
    }

    struct Worker {
        var claim: Int64
        var call: CarrierCall
        var answer: CarrierAnswer?
    }

    struct World {
        let random: SeededRandom
        var shipment = ShipmentConversationTests.fresh()
        var carrier: Carrier
        var workers: [Worker] = []
        var onTheWay: [CarrierCall] = []
        var replies: [UUID: Int] = [:]

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            carrier = Carrier(refuses: random.next() % 6 == 0)
        }

        mutating func keep(_ conversation: ShipmentConversation) {
            shipment = conversation.shipment
            for reply in conversation.replies { replies[reply.command, default: 0] += 1 }
        }

        mutating func claim() {
            var conversation = ShipmentConversation(shipment)
            guard shipment.status != .withdrawn, let call = conversation.claim() else { return }
            keep(conversation)
            workers.append(Worker(claim: shipment.claims, call: call))
        }

        mutating func wantCancellation() {
            guard !shipment.isCancelWanted, [.requested, .booked].contains(shipment.status) else { return }
            var conversation = ShipmentConversation(shipment)
            conversation.wantCancellation(ShipmentConversationTests.cancel)
            keep(conversation)
        }

        mutating func send(_ index: Int, luck: UInt64) {
            guard workers[index].answer == nil else { return }
            let call = workers[index].call
            switch luck {
            case 0: workers[index].answer = .noEffect("", retryAfter: nil)
            case 1 where call == .query || call == .track: workers[index].answer = .notFound
            case 1:
                onTheWay.append(call)
                workers[index].answer = .unknown("")
            case 2:
                _ = carrier.receive(call)
                workers[index].answer = .unknown("")
            default: workers[index].answer = carrier.receive(call)
            }
        }

        mutating func record(_ index: Int) {
            guard let answer = workers[index].answer else { return }
            var conversation = ShipmentConversation(shipment)
            let isLate = shipment.claims != workers[index].claim
            let step = isLate ? conversation.hearLate(answer) : conversation.hear(answer, to: workers[index].call)
            keep(conversation)
            if case .call(let next) = step, !isLate {
                workers[index] = Worker(claim: workers[index].claim, call: next)
            } else {
                workers.remove(at: index)
            }
        }

        mutating func step() {
            let index = workers.isEmpty ? nil : Int(random.next() % UInt64(workers.count))
            switch (random.next() % 10, index) {
            case (0, _), (1, _): if workers.count < 3 { claim() }
            case (2, _): if random.next() % 3 == 0 { wantCancellation() }
            case (3, let index?): if random.next() % 2 == 0 { workers.remove(at: index) }
            case (4, _): if !onTheWay.isEmpty { _ = carrier.receive(onTheWay.removeFirst()) }
            case (5, let index?), (6, let index?): send(index, luck: random.next() % 8)
            case (_, let index?): record(index)
            case (_, nil): break
            }
        }

        /// Everything that is on its way arrives, and from now on nothing is lost.
        mutating func settle() {
            for _ in 0..<20 {
                while let index = workers.indices.last {
                    send(index, luck: 7)
                    record(index)
                }
                while !onTheWay.isEmpty { _ = carrier.receive(onTheWay.removeFirst()) }
                claim()
            }
        }
    }

    @Test("one booking at most is made, none stands that is not wanted, and both sides agree")
    func seeds() {
        let given = getenv("HOLDFAST_SEED").flatMap { UInt64(String(cString: $0)) }
        var ends: [Shipment.Status: Int] = [:]
        for seed in given.map({ $0...$0 }) ?? 1...6_000 {
            var world = World(seed: seed)
            for _ in 0..<Int(10 + seed % 40) { world.step() }
            world.settle()
            let shipment = world.shipment
            let stands = world.carrier.state == "booked"
            ends[shipment.status, default: 0] += 1
            let isRight =
                world.carrier.bookings <= 1 && stands == (shipment.status == .booked)
                && !(shipment.isCancelWanted && stands) && shipment.status != .requested
                && world.replies[ShipmentConversationTests.book] == 1
                && (!shipment.isCancelWanted || world.replies[ShipmentConversationTests.cancel] == 1)
            guard isRight else {
                Issue.record(
                    "HOLDFAST_SEED=\(seed): \(shipment), the carrier \(world.carrier), replies \(world.replies)")
                return
            }
        }
        if given == nil { #expect(ends.count == 4 && ends.values.allSatisfy { $0 > 100 }, "\(ends)") }
    }
}
