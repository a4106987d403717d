import LocalStack

/// `holdfast help`.
enum HelpCommand {
    static let text = """
        Usage: holdfast COMMAND [OPTIONS]

          up       start a private Postgres, the embedded broker and the four services; stay until Ctrl-C
          reset    forget the data and logs of earlier runs; refused while the stack runs
          help     this text

        Options of up (reset takes --data):
        \(StackOptions.helpText)
        """
}
