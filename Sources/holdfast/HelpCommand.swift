import Load
import LocalStack

/// `holdfast help`.
enum HelpCommand {
    static let text = """
        Usage: holdfast COMMAND [OPTIONS]

          up       start a private Postgres, the embedded broker and the four services; stay until Ctrl-C
          load     put load on a running stack and follow every order to its outcome
          bench    measure a stack of its own beside the least that Postgres alone could do; see bench help
          drill    break the stack on purpose while orders are placed, and check every promise; see drill help
          saga     see orders under way, and retry, undo or redrive them: holdfast saga help
          view     write the list of orders anew: holdfast view rebuild
          reset    forget the data and logs of earlier runs; refused while the stack runs
          dead-letter   see and redrive messages that were given up; while the stack runs
          help     this text

        Options of up (reset takes --data):
        \(StackOptions.helpText)
        Options of load:
        \(LoadPlan.helpText)

        Of dead-letter:
        \(DeadLetterOptions.helpText)
        """
}
