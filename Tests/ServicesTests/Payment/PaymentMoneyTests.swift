import Clocks
import Contracts
import Glibc
import TestSupport
import Testing

@testable import PaymentService

/// Everything that can go wrong between payment-service and its provider, in random order: calls and answers are lost, late
/// and repeated, workers die and come back after their claim, queries lie. In the end the money is right.
///
/// A failing seed is printed; `HOLDFAST_SEED` replays it.
@Suite("The money of a payment, whatever happens")
struct PaymentMoneyTests {
    /// A provider that keeps the one promise everything rests on: what it does under a key, it does once.
    struct Provider {
        enum State: Hashable { case none, pending, captured, declined, reversed(returned: Bool) }
        var state = State.none
        var captures = 0

        mutating func charge(_ random: SeededRandom) {
            guard state == .none else { return }
            switch random.next() % 4 {
            case 0: state = .declined
            case 1: state = .pending
            default: capture()
            }
        }

        mutating func capture() {
            state = .captured
            captures += 1
        }

        mutating func decide(_ random: SeededRandom) {
            guard state == .pending else { return }
            if random.next() % 3 == 0 { state = .declined } else { capture() }
        }

        mutating func reverse() {
            switch state {
            case .none, .pending: state = .reversed(returned: false)
            case .captured: state = .reversed(returned: true)
            case .declined, .reversed: break
            }
        }

        var truth: ProviderAnswer {
            switch state {
            case .none: .notFound
            case .pending: .pending
            case .captured: .captured(reference: "r")
            case .declined: .declined
            case .reversed(let returned): .reversed(reference: "r", returned: returned ? 500 : 0)
            }
        }
    }

    /// A worker between two of its steps.
    struct Worker {
        var claim: Int64
        var call: ProviderCall
        /// What the provider has said, once it has been asked.
        var answer: ProviderAnswer?
    }

    /// The whole of it.
    struct World {
        var random: SeededRandom
        var payment = PaymentConversationTests.fresh()
        var provider = Provider()
        var workers: [Worker] = []
        /// Charges and reversals that are still on their way.
        var onTheWay: [ProviderCall] = []
        var replies: [UUID: [CommandReply.Outcome]] = [:]
        var isHonest = false
        var trace: [String] = []

        init(seed: UInt64) { random = SeededRandom(seed: seed) }

        mutating func keep(_ conversation: PaymentConversation) {
            let before = payment
            payment = conversation.payment
            for reply in conversation.replies { replies[reply.command, default: []].append(reply.reply.outcome) }
            if before.status == .refunded { #expect(payment.status == .refunded, "refunded is final") }
            if before.status == .captured { #expect([.captured, .refunded].contains(payment.status)) }
            #expect(payment.captured == 0 || payment.captured == payment.amount.amount)
            #expect(payment.refunded == 0 || payment.refunded == payment.captured)
        }

        mutating func claim() {
            var conversation = PaymentConversation(payment)
            guard conversation.nextCall != nil, payment.status != .declined, let call = conversation.claim() else {
                return
            }
            trace.append("claim \(call)")
            keep(conversation)
            workers.append(Worker(claim: payment.claims, call: call))
        }

        mutating func wantRefund() {
            guard !payment.isRefundWanted, payment.refundCommand == nil else { return }
            trace.append("refund")
            switch payment.status {
            case .declined, .refunded: replies[PaymentConversationTests.refund, default: []].append(.nothingToUndo)
            case .pending, .inDoubt, .captured:
                var conversation = PaymentConversation(payment)
                conversation.wantRefund(PaymentConversationTests.refund)
                keep(conversation)
            }
        }

        /// The provider receives a worker's call, and perhaps the worker its answer.
        mutating func send(_ index: Int) {
            guard workers[index].answer == nil else { return }
            let call = workers[index].call
            let luck = isHonest ? 9 : random.next() % 10
            switch (call, luck) {
            case (_, 0): workers[index].answer = .noEffect("", retryAfter: nil)
            case (.query, 1): workers[index].answer = .unknown("")
            case (.query, 2): workers[index].answer = [.notFound, .pending][Int(random.next() % 2)]
            case (.query, _): workers[index].answer = provider.truth
            case (_, 1):
                onTheWay.append(call)
                workers[index].answer = .unknown("")
            case (_, 2):
                receive(call)
                workers[index].answer = .unknown("")
            default:
                receive(call)
                let refused = call != .reverse && provider.truth == .reversed(reference: "r", returned: 0)
                workers[index].answer = refused ? .unknown("409") : provider.truth
            }
            trace.append("\(call) answered \(workers[index].answer.map { "\($0)" } ?? "")")
        }

        mutating func receive(_ call: ProviderCall) {
            switch call {
            case .charge: provider.charge(random)
            case .reverse: provider.reverse()
            case .query: break
            }
        }

        mutating func record(_ index: Int) {
            let worker = workers[index]
            guard let answer = worker.answer else { return }
            var conversation = PaymentConversation(payment)
            let isLate = payment.claims != worker.claim
            let step = isLate ? conversation.hearLate(answer) : conversation.hear(answer, to: worker.call)
            keep(conversation)
            trace.append("recorded\(isLate ? " late" : "") \(step), now \(payment.status)")
            if case .call(let next) = step, !isLate {
                if payment.isRefundWanted {
                    #expect(next != .charge(isFirst: true) && next != .charge(isFirst: false))
                }
                workers[index] = Worker(claim: worker.claim, call: next)
            } else {
                workers.remove(at: index)
            }
        }

        mutating func step() {
            let index = workers.isEmpty ? nil : Int(random.next() % UInt64(workers.count))
            switch random.next() % 12 {
            case 0: claim()
            // A claim that is still held keeps others away, unless its holder is dead or asleep.
            case 1 where workers.count < 3: claim()
            case 2 where random.next() % 4 == 0: wantRefund()
            case 3:
                if let index, random.next() % 2 == 0 { workers.remove(at: index) }
            case 4:
                if !onTheWay.isEmpty { receive(onTheWay.removeFirst()) }
            case 5: provider.decide(random)
            case 6, 7, 8:
                if let index { send(index) }
            default:
                if let index { record(index) }
            }
        }

        /// Everything that is on its way arrives, and from now on nothing is lost.
        mutating func settle() {
            isHonest = true
            for _ in 0..<40 {
                while let index = workers.indices.last {
                    send(index)
                    record(index)
                }
                while !onTheWay.isEmpty { receive(onTheWay.removeFirst()) }
                provider.decide(random)
                claim()
            }
        }
    }

    @Test("nothing is captured twice, nothing unwanted stands, and both ledgers agree")
    func seeds() {
        let given = getenv("HOLDFAST_SEED").flatMap { UInt64(String(cString: $0)) }
        var ends: [String: Int] = [:]
        for seed in given.map({ $0...$0 }) ?? 1...6_000 {
            var world = World(seed: seed)
            for _ in 0..<Int(10 + seed % 60) { world.step() }
            if seed % 2 == 0 { world.wantRefund() }
            world.settle()
            let payment = world.payment
            let returned = world.provider.state == .reversed(returned: true)
            let agrees =
                world.provider.captures * 500 == Int(payment.captured)
                && (returned ? 500 : 0) == Int(payment.refunded)
            let isClean = !payment.isRefundWanted || payment.captured == payment.refunded
            let isSettled = [.captured, .declined, .refunded].contains(payment.status)
            let areReplied =
                world.replies[PaymentConversationTests.charge]?.count == 1
                && (!payment.isRefundWanted || world.replies[PaymentConversationTests.refund]?.count == 1)
            ends[payment.status.rawValue, default: 0] += 1
            guard world.provider.captures <= 1, agrees, isClean, isSettled, areReplied else {
                Issue.record(
                    """
                    HOLDFAST_SEED=\(seed): \(payment.status) captured \(payment.captured) refunded \(payment.refunded), \
                    the provider \(world.provider), replies \(world.replies)
                    \(world.trace.joined(separator: "\n"))
                    """)
                return
            }
        }
        if given == nil { #expect(ends.values.allSatisfy { $0 > 150 } && ends.count == 3, "\(ends)") }
    }
}
