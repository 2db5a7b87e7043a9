// OpenSSL 3: digests, HMAC, random bytes; TLS is in tls.h. Function-like macros that Swift cannot see get a static
// inline here.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "tls.h"

/// Keys an HMAC context with SHA-256. In C since an OSSL_PARAM keeps the pointers it is given until EVP_MAC_init.
static inline int hub_hmac_sha256_init(EVP_MAC_CTX *context, const unsigned char *key, size_t length) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  // A null key would mean "keep the old one"; an empty key is a key.
  return EVP_MAC_init(context, key ? key : (const unsigned char *)"", length, parameters);
}
