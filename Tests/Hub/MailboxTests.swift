// The mailbox: nothing is lost, each poster's messages keep their order, and the loop is woken.
import EventLoop
import CLinux
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Hub

/// Empties a mailbox at the end of each turn, as a reactor does.
private final class Reader: LoopClient {
  let mailbox: Mailbox<Int>
  let read = Mutex<[Int]>([])

  init(_ mailbox: Mailbox<Int>) { self.mailbox = mailbox }

  func process(_ events: UnsafeBufferPointer<epoll_event>) -> Bool { false }

  func endTurn() {
    let messages = mailbox.takeAll()
    read.withLock { $0 += messages }
  }

  var count: Int { read.withLock { $0.count } }
}

@Suite struct MailboxTests {
  @Test func whatWasPostedIsTakenOnceInOrder() throws {
    let mailbox = Mailbox<Int>(loop: try EventLoop(name: "never started"))
    #expect(mailbox.takeAll().isEmpty)
    for number in 1...5 { mailbox.post(number) }
    #expect(mailbox.takeAll() == [1, 2, 3, 4, 5])
    #expect(mailbox.takeAll().isEmpty)
    mailbox.post(6)
    #expect(mailbox.takeAll() == [6])
  }

  @Test func aSleepingLoopIsWokenForEachFirstMessage() throws {
    let loop = try EventLoop(name: "reader")
    let reader = Reader(Mailbox(loop: loop))
    loop.start(client: reader)
    defer { loop.stop() }
    for number in 0..<1000 {
      reader.mailbox.post(number)
      try eventually("message \(number) is read", within: 10) { reader.count == number + 1 }
    }
    #expect(reader.read.withLock { $0 } == Array(0..<1000))
  }

  @Test func postersFromManyThreadsLoseNothingAndKeepTheirOrder() throws {
    let loop = try EventLoop(name: "reader")
    let reader = Reader(Mailbox(loop: loop))
    loop.start(client: reader)
    defer { loop.stop() }
    try runConcurrently(4) { thread in
      for number in 0..<5000 { reader.mailbox.post(thread * 10_000 + number) }
    }
    try eventually("all are read", within: 10) { reader.count == 20_000 }
    let read = reader.read.withLock { $0 }
    for thread in 0..<4 {
      #expect(read.filter { $0 / 10_000 == thread } == (0..<5000).map { thread * 10_000 + $0 })
    }
  }
}
