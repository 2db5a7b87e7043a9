// Reads that many share: who is served by whose, what is kept, and how long.
import Synchronization
import TestSupport
import Testing

@testable import Hub

/// A value that says which read it came from.
private struct Copy: SharedValue, Equatable {
  let number: Int
  var byteCount = 100
}

@Suite struct SharedReadsTests {
  private let reads = SharedReads<Int, Copy>(maximumBytes: 1000)
  private let count = SharedCount()

  /// Asks for a value that is at least `least`; each read brings the next number.
  private func ask(_ key: Int = 0, least: Int = 1, meanwhile: () async -> Void = {}) async throws(Problem) -> Int {
    try await reads.value(of: key, where: { $0.number >= least }) { () async throws(Problem) in
      let number = count.add()
      await meanwhile()
      return Copy(number: number)
    }.number
  }

  @Test func whoeverAsksMeanwhileOrLaterIsServedByOneRead() async throws {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<200 {
        group.addTask { try await ask { for _ in 0..<50 { await Task.yield() } } }
      }
      for try await number in group { #expect(number == 1) }
    }
    #expect(try await ask() == 1)
    #expect(count.value == 1)
  }

  @Test func whatDoesNotServeIsReadAgainOnceForAllThatAskedMeanwhile() async throws {
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        try await ask {
          // They find this read under way, or what it left: neither knows enough for them.
          for _ in 0..<50 { await Task.yield() }
        }
      }
      while count.value == 0 { await Task.yield() }
      for _ in 0..<100 { group.addTask { try await ask(least: 2) } }
      var numbers: [Int] = []
      for try await number in group { numbers.append(number) }
      #expect(numbers.sorted() == [1] + Array(repeating: 2, count: 100))
    }
    #expect(count.value == 2)
  }

  @Test func aReadThatBeganAfterAskingIsTakenWhateverItBrings() async throws {
    for number in 1...3 { #expect(try await ask(least: .max) == number) }
  }

  @Test func aFailureIsNotKept() async throws {
    await #expect(throws: Problem.self) {
      _ = try await reads.value(of: 0, where: { _ in true }) { () async throws(Problem) in throw .notFound("It") }
    }
    #expect(reads.kept(0) == nil)
    #expect(try await ask() == 1)
  }

  @Test func memoryIsBoundedAndWhatIsUsedStays() async throws {
    for key in 1...100 {
      _ = try await ask(0)
      _ = try await ask(key)
      #expect(reads.keptBytes <= 1100)
    }
    #expect(reads.kept(0) == Copy(number: 1))
    #expect(reads.kept(100) != nil && reads.kept(50) == nil)
    // What would take everybody's place is not kept.
    _ = try await reads.value(of: 200, where: { _ in true }) { () async throws(Problem) in
      Copy(number: 0, byteCount: 501)
    }
    #expect(reads.kept(200) == nil && reads.kept(0) != nil)
  }

  @Test func whatNobodyAsksForGoesByTheClock() async throws {
    for key in 1...2 { _ = try await ask(key) }
    reads.dropUnused()
    #expect(reads.kept(1) != nil)
    reads.dropUnused()
    #expect(reads.kept(1) != nil && reads.kept(2) == nil)
    for _ in 0..<2 { reads.dropUnused() }
    #expect(reads.keptBytes == 0)
  }
}
