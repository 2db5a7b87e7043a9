// What `--listen` takes, and whether it means TLS.
import EventLoop
import Hub
import Testing

@Suite struct ListenAddressTests {
  typealias Row = (text: String, clearHub: String?, hubWithCertificates: String?)

  @Test(
    arguments: [
      ("127.0.0.1:8080", "127.0.0.1:8080", "tls:127.0.0.1:8080"), ("localhost:1", "127.0.0.1:1", "tls:127.0.0.1:1"),
      ("[::1]:8080", "[::1]:8080", "tls:[::1]:8080"),
      ("unix:/run/hub.sock", "unix:/run/hub.sock", "unix:/run/hub.sock"),
      ("plain:127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
      ("plain:unix:/a", "unix:/a", "unix:/a"), ("tls:0.0.0.0:443", "tls:0.0.0.0:443", "tls:0.0.0.0:443"),
      ("tls:[::]:443", "tls:[::]:443", "tls:[::]:443"), ("tls:unix:/a", "tls:unix:/a", "tls:unix:/a"),
      ("", nil, nil), ("tls:", nil, nil), ("plain:", nil, nil), ("tls:plain:127.0.0.1:1", nil, nil),
      ("TLS:127.0.0.1:1", nil, nil), ("tls:127.0.0.1", nil, nil), ("https:127.0.0.1:1", nil, nil),
      ("tls:example.test:443", nil, nil),
    ] as [Row])
  func `An address with the word in front of it`(row: Row) {
    #expect(ListenAddress(row.text, hasCertificates: false)?.description == row.clearHub)
    #expect(ListenAddress(row.text, hasCertificates: true)?.description == row.hubWithCertificates)
  }
}
