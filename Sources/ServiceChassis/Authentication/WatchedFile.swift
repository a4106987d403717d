import Clocks
import Synchronization
import Telemetry

/// A small file that is read again and again while the service runs, on a thread of its own: no file system can hold up
/// requests.
final class WatchedFile: Sendable {
    let path: String
    private let files: FileReader
    private let time: any TimeSource
    private let isReading = Atomic(false)

    init(_ path: String, files: FileReader, time: any TimeSource) {
        self.path = path
        self.files = files
        self.time = time
    }

    /// The file's bytes, or why they cannot be had in that time. A read that hangs is not joined by another.
    func read(within limit: Duration) async -> Result<[UInt8], FileReadingFailure> {
        guard !isReading.exchange(true, ordering: .acquiring) else {
            return .failure(FileReadingFailure(reason: "is still being read since last time"))
        }
        let result = await BoundedRun.first(time: time, limit: limit) {
            await withCheckedContinuation { continuation in
                WorkerThread.start(name: "file-reader") { [self] in
                    let result = files.read(path)
                    isReading.store(false, ordering: .releasing)
                    continuation.resume(returning: result)
                }
            }
        }
        return result ?? .failure(FileReadingFailure(reason: "cannot be read in time"))
    }
}
