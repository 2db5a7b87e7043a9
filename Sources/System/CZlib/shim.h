// zlib: deflateInit2 and inflateInit2 are macros, so they get a function here.
#pragma once
#include <zlib.h>

static inline int hub_deflate_init(z_stream *stream, int level, int window_bits, int memory_level) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int hub_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }
