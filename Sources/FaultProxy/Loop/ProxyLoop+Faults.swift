import Glibc

extension ProxyLoop {
    /// Puts faults in force for one direction of a link, for its open connections too.
    func apply(_ faults: LaneFaults, to direction: Direction, of index: Int) {
        links[index][keyPath: Link.faults(direction)] = faults
        updateListening(index)
        for pair in Array(pairs.values) where pair.link == index {
            pair[keyPath: Pair.way(direction)].lane.change(to: faults.concerning(pair.draw), at: now)
            pump(pair)
        }
    }

    /// Heals everything.
    func reset() {
        for index in links.indices {
            for direction in Direction.allCases { apply(.none, to: direction, of: index) }
        }
    }

    /// Listens, or refuses clients, as the link's faults say.
    func updateListening(_ index: Int) {
        let shouldListen = !links[index].upstream.isRefused
        guard shouldListen != links[index].isListening else { return }
        let listener = links[index].listener
        if shouldListen {
            links[index].isListening = Sockets.startListening(listener) && poller.addInput(listener, key: UInt64(index))
        } else {
            poller.remove(listener)
            Sockets.stopListening(listener)
            links[index].isListening = false
        }
    }
}
