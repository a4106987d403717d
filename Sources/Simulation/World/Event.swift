import Clocks
import Messaging
import PaymentService
import SagaRuntime
import ShippingService

/// What happens in a world, each at its instant.
enum Event {
    /// A process goes on; nothing happens if it has died since.
    case step(replica: Int, incarnation: Int, Step)
    /// A batch reaches the broker.
    case published(replica: Int, incarnation: Int, [OutboxRow])
    /// A message that was on its way for long reaches the broker.
    case append(OutgoingMessage)
    /// A call reaches a payment provider or a carrier.
    case called(Call)
    /// Something happens to an order's customer.
    case customer(Int, CustomerEvent)
    case start(replica: Int)
    case pause(replica: Int, until: Instant)
    case wake(replica: Int)
    /// The group has not heard of a replica for a session's time.
    case expel(replica: Int, incarnation: Int)
    case rebalance(SimulatedService)
    case brokerIsBack(forgets: Bool)
    /// Operators look after what was given up.
    case operators
    /// Is all at rest?
    case look
}

/// What a process does next.
enum Step {
    // The relay.
    case send
    case acknowledged([Bool])
    case delete
    case sweep
    case hasRead([OutboxRow], isComplete: Bool, wasBehind: Bool)
    // The consumer.
    case poll
    case handle
    case commitOffsets
    /// The group has gone on without it.
    case rejoin
    /// Parked messages: nil claims a key, else what was claimed is tried.
    case parked(ParkedTry?)
    // Due work: sagas in order-service, payments and shipments in the others.
    case due
    case answered(Call)
    // Commands over HTTP: at the participant, and what comes back.
    case command(DirectCall)
    case directReply([UInt8], UUID)
    case directUnavailable(DirectCommand)
    // The API.
    case request(Request)
    /// Only with a defect: the commit of a request that was answered already.
    case commitLate(Request, OrderTables.Answer)
}

/// A call to a payment provider or a carrier, and what it answers.
struct Call {
    enum Ask {
        case payment(Payment, ProviderCall)
        case shipment(Shipment, CarrierCall)
    }

    enum Answer {
        case payment(ProviderAnswer)
        case shipment(CarrierAnswer)
    }

    var replica: Int
    var incarnation: Int
    var ask: Ask
    var answer: Answer?
    /// The caller has given up: what is done is done unheard.
    var isUnheard = false
}

/// A command that goes over HTTP, and who waits for its answer.
struct DirectCall {
    var command: DirectCommand
    var replica: Int
    var incarnation: Int
    /// How often it may still be asked what became of it.
    var queries = 3
}

/// A customer's request to one replica.
struct Request {
    enum Kind: Hashable {
        case place
        /// The same key with another body.
        case placeOther
        case cancel(UUID)
    }

    var customer: Int
    var attempt: Int
    var kind: Kind
}

/// What happens to a customer.
enum CustomerEvent {
    case wants(Request.Kind)
    /// There was no answer in time.
    case timesOut(Request)
    case hears(Request, Reply)

    enum Reply {
        case accepted(OrderTables.Answer)
        /// Refused for good: the key belongs to something else.
        case keyReused
        /// Certainly without effect, or not known: to be tried again.
        case tryAgain
        /// The answer to a wish to cancel.
        case cancellation(isAccepted: Bool)
    }
}
