import Testing

import Channels

@Suite("Times of recent events")
struct RecentTimesTests {
  @Test("what was noted is known, and nothing else")
  func known() {
    var times = RecentTimes()
    #expect(times.time(of: 0) == nil && times.time(of: 1) == nil)
    times.append(70, offset: 7)
    times.append(80, offset: 8)
    #expect((6...9).map { times.time(of: $0) } == [nil, 70, 80, nil])
  }

  @Test("a hole forgets what was before it")
  func hole() {
    var times = RecentTimes()
    times.append(70, offset: 7)
    times.append(90, offset: 9)
    #expect((7...9).map { times.time(of: $0) } == [nil, nil, 90])
    times.append(10, offset: 1)
    #expect(times.time(of: 9) == nil && times.time(of: 1) == 10)
  }

  @Test("the oldest is forgotten, the newest 256 are kept")
  func ring() {
    var times = RecentTimes()
    for offset in Int64(1)...1000 { times.append(offset * 10, offset: offset) }
    #expect(times.time(of: 744) == nil && times.time(of: 745) == 7450 && times.time(of: 1000) == 10_000)
  }
}
