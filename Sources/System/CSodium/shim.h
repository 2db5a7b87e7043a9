// libsodium: Argon2id password hashes.
#pragma once
#include <sodium.h>
