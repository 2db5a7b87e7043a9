// What a new password must be: long, not absurdly long (each byte is hashed), not one key held down, not the address
// itself. No rules about digits and signs (NIST SP 800-63B §5.1.1.2: they make passwords worse). Signing in never asks
// this: old passwords stay good when the policy changes.

package enum PasswordPolicy {
  package static let minimumCharacters = 10
  package static let maximumBytes = 512
  package static let minimumDifferentCharacters = 4

  /// Why the password is refused, as a sentence for people; nil when it is good.
  package static func objection(to password: String, for email: EmailAddress?) -> String? {
    guard password.unicodeScalars.count >= minimumCharacters else {
      return "Use at least \(minimumCharacters) characters."
    }
    guard password.utf8.count <= maximumBytes else { return "Use at most \(maximumBytes) bytes." }
    guard Set(password.unicodeScalars).count >= minimumDifferentCharacters else {
      return "Use at least \(minimumDifferentCharacters) different characters."
    }
    guard password.lowercased() != email?.description else { return "Do not use the email address." }
    return nil
  }
}
