// OpenSSL's TLS side: what is a macro, or needs a cast of function pointers, and so cannot be said in Swift. The policy
// (versions, ciphers, options) is in Sources/Crypto/TLS.
#pragma once
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const uint64_t hub_tls_no_compression = SSL_OP_NO_COMPRESSION;
static const uint64_t hub_tls_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t hub_tls_server_preference = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t hub_tls_prioritize_chacha = SSL_OP_PRIORITIZE_CHACHA;
static const uint64_t hub_tls_kernel = SSL_OP_ENABLE_KTLS;
static const uint64_t hub_tls_ignore_unexpected_end = SSL_OP_IGNORE_UNEXPECTED_EOF;

typedef int (*hub_tls_name_callback)(SSL *session, int *alert, void *argument);
typedef int (*hub_tls_ticket_callback)(
    SSL *session, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *code,
    int is_encrypting);

static inline void hub_tls_on_name(SSL_CTX *context, hub_tls_name_callback callback, void *argument) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
  SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline void hub_tls_on_ticket(SSL_CTX *context, hub_tls_ticket_callback callback) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

/// Keys the two contexts of a session ticket: AES-256-CBC and HMAC-SHA256, as RFC 5077 §4 recommends. 1 when done.
static inline int hub_tls_key_ticket(
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *code, unsigned char *vector, const unsigned char *cipher_key,
    unsigned char *code_key, size_t code_key_length, int is_encrypting) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, code_key, code_key_length),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(code, parameters) == 1 &&
         EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), 0, cipher_key, vector, is_encrypting) == 1;
}

/// What the last read from the socket came to, as `hub_tls_watch_reads` notes it.
enum hub_tls_read { hub_tls_read_full = 0, hub_tls_read_short = 1, hub_tls_read_nothing = 2 };

static inline long hub_tls_note_read(
    BIO *socket, int operation, const char *bytes, size_t length, int number, long more, int result,
    size_t *processed) {
  (void)bytes, (void)number, (void)more;
  if (operation == (BIO_CB_READ | BIO_CB_RETURN)) {
    char note = hub_tls_read_full;
    if (result <= 0)
      note = hub_tls_read_nothing;
    else if (*processed < length)
      note = hub_tls_read_short;
    *BIO_get_callback_arg(socket) = note;
  }
  return result;
}

/// Keeps in `note` whether the socket gave all that was asked for: an owner that is told of readiness once (EPOLLET)
/// must know when it may stop, and asking the socket again only to hear that it is empty costs a system call a message.
static inline void hub_tls_watch_reads(SSL *session, char *note) {
  BIO *socket = SSL_get_rbio(session);
  BIO_set_callback_arg(socket, note);
  BIO_set_callback_ex(socket, hub_tls_note_read);
}

static inline int hub_tls_kernel_sends(SSL *session) { return BIO_get_ktls_send(SSL_get_wbio(session)) != 0; }
static inline int hub_tls_kernel_receives(SSL *session) { return BIO_get_ktls_recv(SSL_get_rbio(session)) != 0; }

/// Refuses a password for a key file: OpenSSL would ask for it at the terminal.
static inline int hub_tls_no_password(char *buffer, int size, int is_writing, void *argument) {
  (void)buffer, (void)size, (void)is_writing, (void)argument;
  return -1;
}

/// Calls `found` with each DNS name among the subjectAltNames of a certificate.
static inline void hub_certificate_names(
    const X509 *certificate, void *argument, void (*found)(void *argument, const unsigned char *name, int length)) {
  GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, 0, 0);
  for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type == GEN_DNS) found(argument, ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName));
  }
  GENERAL_NAMES_free(names);
}

/// Seconds from now until a time of a certificate; negative when it is past.
static inline int64_t hub_certificate_seconds_until(const ASN1_TIME *time) {
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, 0, time) != 1) return 0;
  return (int64_t)days * 86400 + seconds;
}
