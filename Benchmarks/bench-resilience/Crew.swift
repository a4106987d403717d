import AllocationCounter
import Clocks
import Glibc
import Synchronization

/// Threads that make the calls of a scenario at the same time.
enum Crew {
    /// What one round has shown.
    struct Round {
        /// Nanoseconds of one call, the mean of the threads.
        var nanoseconds: Double
        /// Heap allocations of one call.
        var allocations: Double
        /// Whether every thread had a processor to itself nearly all the time, and all ran at the same time.
        var isQuiet: Bool
    }

    /// Begins on every thread at once; each takes its own time.
    static func round(_ scenario: Scenario, threads: Int, calls: Int) -> Round {
        let start = Start(threads)
        let results = (0..<threads).map { _ in Result() }
        let handles = results.map { result in thread { work(scenario, calls, start, result) } }
        let before = start.releaseAll()
        for handle in handles { pthread_join(handle, nil) }
        let allocations = allocation_count_all() - before
        let wall = results.reduce(0) { $0 + $1.wall } / Double(threads)
        let begins = results.map(\.begin)
        let apart = Double((begins.max() ?? 0) - (begins.min() ?? 0))
        return Round(
            nanoseconds: wall / Double(calls),
            allocations: Double(allocations) / Double(calls * threads),
            isQuiet: results.allSatisfy { $0.processor >= 0.97 * $0.wall && apart < 0.05 * $0.wall })
    }

    private static func work(_ scenario: Scenario, _ calls: Int, _ start: Start, _ result: Result) {
        start.wait()
        let (wall, processor) = (SystemTime().now, processorTime())
        run(scenario, calls)
        result.begin = wall.nanoseconds
        result.wall = Double(wall.duration(to: SystemTime().now).wholeNanoseconds)
        result.processor = Double(processorTime() - processor)
    }

    /// Returns once the calls are made, on whatever thread the task ends.
    private static func run(_ scenario: Scenario, _ calls: Int) {
        let semaphore = Semaphore()
        Task.immediate {
            await scenario.run(calls)
            semaphore.signal()
        }
        semaphore.wait()
    }

    private static func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var handle = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let status = pthread_create(
            &handle, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        precondition(status == 0, "a thread can be made")
        return handle
    }

    // Written by its thread alone, and read after that has been joined.
    private final class Result: @unchecked Sendable {
        var begin: Int64 = 0
        var wall = 0.0
        var processor = 0.0
    }

    /// Lets all threads begin together.
    private final class Start: Sendable {
        private let threads: Int
        private let ready = Atomic(0)
        private let isOpen = Atomic(false)

        init(_ threads: Int) { self.threads = threads }

        func wait() {
            ready.wrappingAdd(1, ordering: .releasing)
            while !isOpen.load(ordering: .acquiring) { sched_yield() }
        }

        /// The allocations of all threads just before.
        func releaseAll() -> UInt64 {
            while ready.load(ordering: .acquiring) < threads { sched_yield() }
            let before = allocation_count_all()
            isOpen.store(true, ordering: .releasing)
            return before
        }
    }
}

// The semaphore is made for use by several threads and lives as long as its owner.
private final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 {} }
}
