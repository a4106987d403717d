import CLibcurl
import Clocks

/// The loop's work: takes calls from the inbox, starts and ends transfers, keeps deadlines.
///
/// Lives on the loop's thread alone.
struct CurlWorker {
    private let loop: CurlLoop
    private let multi: UnsafeMutableRawPointer
    private var schedule: CallSchedule
    private var waiting: [CallID: CurlCall] = [:]
    /// Keeps the transfers whose handles are added to the multi handle.
    private var running: [CallID: CurlTransfer] = [:]
    private var idle: [CurlTransfer] = []
    private var statistics = HTTPClientStatistics()

    init(loop: CurlLoop) {
        self.loop = loop
        multi = loop.handle
        schedule = CallSchedule(
            places: loop.configuration.connectionsPerAuthority, queueLimit: loop.configuration.queuedPerAuthority)
    }

    mutating func run() {
        while true {
            let delivery = loop.takeDelivery()
            for call in delivery.calls { admit(call) }
            if delivery.isClosing { break }
            for id in delivery.cancellations { cancel(id) }
            expire()
            perform()
            publish()
            curl_multi_poll(multi, nil, 0, millisecondsToWait(), nil)
        }
        failEverything()
        publish()
        loop.finishClosing()
    }

    /// Rounded up, so that the loop does not spin through the last millisecond before a deadline.
    private func millisecondsToWait() -> Int32 {
        let remaining = loop.time.now.duration(to: schedule.nextDeadline)
        guard remaining < .seconds(60) else { return 60_000 }
        return Int32(max(0, (remaining.wholeNanoseconds + 999_999) / 1_000_000))
    }

    private mutating func publish() {
        statistics.running = running.count
        statistics.queued = waiting.count
        loop.publish(statistics)
    }
}

extension CurlWorker {
    private mutating func admit(_ call: CurlCall) {
        guard !call.ticket.isCancelled else {
            return refuse(call, .cancelled, "the caller's task was cancelled")
        }
        let id = call.ticket.id
        switch schedule.admit(id, authority: call.authority, deadline: call.deadline, now: loop.time.now) {
        case .start: start(call)
        case .wait: waiting[id] = call
        case .expired: refuse(call, .deadlineExceeded, "the deadline had passed before the request was begun")
        case .queueFull:
            let limit = loop.configuration.queuedPerAuthority
            refuse(call, .queueFull, "\(limit) requests wait for a connection already")
        }
    }

    private mutating func start(_ call: CurlCall) {
        let transfer = idle.popLast() ?? CurlTransfer()
        transfer.begin(call, configuration: loop.configuration)
        running[call.ticket.id] = transfer
        let result = curl_multi_add_handle(multi, UnsafeMutableRawPointer(transfer.easy))
        guard result == CURLM_OK else {
            let text = String(cString: curl_multi_strerror(result))
            return end(call.ticket.id, with: .failure(transfer.failure(.transport, detail: text)), isAdded: false)
        }
    }

    private mutating func cancel(_ id: CallID) {
        if let transfer = running[id] {
            end(id, with: .failure(transfer.failure(.cancelled, detail: "the caller's task was cancelled")))
        } else if let call = waiting.removeValue(forKey: id) {
            refuse(call, .cancelled, "the caller's task was cancelled")
            startNext(after: id)
        }
    }

    private mutating func expire() {
        for id in schedule.expire(now: loop.time.now) {
            if let transfer = running[id] {
                end(id, with: .failure(transfer.failure(.deadlineExceeded, detail: transfer.phase.whatTookTooLong)))
            } else if let call = waiting.removeValue(forKey: id) {
                refuse(call, .deadlineExceeded, HTTPClientError.Phase.queued.whatTookTooLong)
                startNext(after: id)
            }
        }
    }

    /// Lets libcurl work until it has to wait for a socket; calls that start in a freed place are begun at once.
    private mutating func perform() {
        var active: Int32 = 0
        repeat {
            let result = curl_multi_perform(multi, &active)
            precondition(result == CURLM_OK, "libcurl's multi handle is unusable: error \(result.rawValue)")
        } while takeFinished()
    }

    /// Returns whether anything ended, which may have started something else.
    private mutating func takeFinished() -> Bool {
        var remaining: Int32 = 0
        var anyEnded = false
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            // Read before the handle is removed: the message dies with that.
            let result = message.pointee.data.result
            var context: UnsafeMutableRawPointer?
            curl_get_pointer(easy, CURLINFO_PRIVATE, &context)
            guard let context else { continue }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            guard let call = transfer.call else { continue }
            end(call.ticket.id, with: outcome(of: transfer, result))
            anyEnded = true
        }
        return anyEnded
    }

    private func outcome(of transfer: CurlTransfer, _ result: CURLcode) -> CallResult {
        guard result == CURLE_OK else { return .failure(transfer.failure(result)) }
        // libcurl takes a head that breaks off, and a length that only begins with digits, for good.
        guard transfer.isHeadComplete else {
            return .failure(transfer.failure(.connectionLost, detail: "the answer ended inside its head"))
        }
        guard transfer.hasSoundLength else {
            return .failure(transfer.failure(.malformedResponse, detail: "the answer's Content-Length is no number"))
        }
        var status = 0
        curl_get_long(UnsafeMutableRawPointer(transfer.easy), CURLINFO_RESPONSE_CODE, &status)
        guard (200...999).contains(status) else {
            return .failure(transfer.failure(.malformedResponse, detail: "the answer's status is \(status)"))
        }
        return .success(transfer.takeResponse(status: status))
    }

    private mutating func end(_ id: CallID, with result: CallResult, isAdded: Bool = true) {
        guard let transfer = running.removeValue(forKey: id) else { return }
        var opened = 0
        curl_get_long(UnsafeMutableRawPointer(transfer.easy), CURLINFO_NUM_CONNECTS, &opened)
        statistics.connectionsOpened += UInt64(max(0, opened))
        if isAdded { curl_multi_remove_handle(multi, UnsafeMutableRawPointer(transfer.easy)) }
        let call = transfer.end()
        if idle.count < loop.configuration.idleConnections { idle.append(transfer) }
        statistics.finished += 1
        // Before the caller goes on: whoever has an answer sees it counted.
        publish()
        call?.continuation.resume(returning: result)
        startNext(after: id)
    }

    private mutating func refuse(_ call: CurlCall, _ code: HTTPClientError.Code, _ detail: String) {
        statistics.finished += 1
        publish()
        let error = HTTPClientError(code, sent: .certainlyNotSent, authority: call.authority, detail: detail)
        call.continuation.resume(returning: .failure(error))
    }

    private mutating func startNext(after id: CallID) {
        guard let next = schedule.finish(id, now: loop.time.now), let call = waiting.removeValue(forKey: next) else {
            return
        }
        start(call)
    }

    private mutating func failEverything() {
        for call in waiting.values { refuse(call, .shutDown, "the client was shut down") }
        waiting = [:]
        schedule = CallSchedule(places: 1, queueLimit: 0)
        for (id, transfer) in running {
            end(id, with: .failure(transfer.failure(.shutDown, detail: "the client was shut down")))
        }
        idle = []
    }
}

extension HTTPClientError.Phase {
    fileprivate var whatTookTooLong: String {
        switch self {
        case .queued: "the deadline passed while waiting for a connection to become free"
        case .connecting: "the deadline passed while connecting"
        case .waiting: "the deadline passed while waiting for the answer"
        case .reading: "the deadline passed while reading the answer"
        }
    }
}
