import Clocks
import JSON

/// What is known of a command by its type alone.
package struct CommandKind: Sendable {
    /// The name of the saga's step or compensation.
    package let name: String
    /// Where commands of this kind go; who reads it carries them out.
    package let topic: Topic
    /// Reads a payload of this kind, noting all that is wrong with it; answers the order it is about.
    package let read: @Sendable (inout JSONObjectDecoder) -> UUID
}

extension MessageType {
    private static let commands: [String: CommandKind] = {
        func entry<C: Command>(
            _ command: C.Type, _ read: @escaping @Sendable (inout JSONObjectDecoder) -> UUID = { $0.text("orderId") }
        ) -> (String, CommandKind) {
            (C.messageType, CommandKind(name: C.name, topic: C.topic, read: read))
        }
        return Dictionary(uniqueKeysWithValues: [
            entry(ReserveStock.self) { ReserveStock(&$0).orderID }, entry(ReleaseStock.self), entry(CommitStock.self),
            entry(ChargePayment.self) { ChargePayment(&$0).orderID }, entry(RefundPayment.self),
            entry(BookShipment.self) { BookShipment(&$0).orderID }, entry(CancelShipment.self),
        ])
    }()

    /// What is known of commands of this type; nil for other messages.
    package static func command(_ type: String) -> CommandKind? {
        commands[type]
    }

    /// The name of the step or compensation that messages of this type command; nil for other messages.
    package static func commandName(of type: String) -> String? {
        commands[type]?.name
    }

    /// The types of the commands that go to this topic, in the order of their names.
    package static func commandTypes(to topic: Topic) -> [String] {
        commands.filter { $0.value.topic == topic }.keys.sorted()
    }
}
