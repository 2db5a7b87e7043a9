/* wsload - a WebSocket (RFC 6455) load generator: one file, epoll, no dependencies.
 *
 *   wsload echo    -p PORT -c C -P inflight -s size -d secs      echo round trips, every payload compared
 *   wsload echo    ... --ask TEMPLATE --answer TEMPLATE          question and answer, every answer's beginning compared
 *   wsload fanout  -p PORT -c C --sub TEXT --pub TEMPLATE ...    one publisher, C subscribers, every delivery counted
 *   wsload idle    -p PORT -c C --hold secs --pid PID            C open connections, server memory for each
 *   wsload connect -p PORT -c inflight -d secs                   handshakes per second
 *
 * It sends nothing anywhere but to the address given with -a (127.0.0.1 unless told), it always ends after
 * the time given, and its exit status is 0 only when no message was lost, altered or unexpected.
 * "wsload --help" lists the options.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* ------------------------------------------------------------------ options */

enum { ECHO, FANOUT, IDLE, CONNECT };
static struct {
    int mode, port, conns, inflight, size, workers, cpu, nsrc, ramp, skip, mod, stall, binary, utf8, deflate, json;
    int pub_size, pub_window, pub_burst, expect, rst, count_marker, event_time, alone, subs;
    double secs, warm, hold, pub_rate, settle, grace;
    long pub_count;
    const char *addr, *host, *path, *sub, *pub, *pub_init, *pub_path, *pub_http, *marker, *label, *subproto, *ready_file, *ask, *answer, *ignore;
    char extra[8192], pub_extra[8192];
    int pid[16], npid;
} o = { .mode = -1, .port = 9001, .conns = 1, .inflight = 1, .size = 32, .workers = 1, .cpu = -1, .ramp = 64,
        .mod = 1, .pub_window = 1, .pub_burst = 1, .pub_size = 512, .secs = 3, .warm = 0.5, .hold = 2, .settle = 2, .grace = 0.1,
        .addr = "127.0.0.1", .path = "/", .marker = "@t=", .label = "", .rst = 1, .stall = 0, .subs = 1 };

/* ------------------------------------------------------------------ clock, histogram */

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* log-linear: 64 steps for each power of two, so every answer is within 1.6 % */
#define SUBB 6
#define HN (64 << SUBB)
typedef struct { uint64_t n, max, b[HN]; } hist;
static inline void hist_add(hist *h, uint64_t v)
{
    unsigned e = v < (1u << SUBB) ? 0 : (63u - (unsigned)__builtin_clzll(v)) - SUBB + 1;
    unsigned i = e == 0 ? (unsigned)v : (e << SUBB) + (unsigned)((v >> (e - 1)) & ((1u << SUBB) - 1));
    h->b[i]++;
    h->n++;
    if (v > h->max) h->max = v;
}
static double hist_us(const hist *h, double q)
{
    if (!h->n) return 0;
    uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
    if (want >= h->n) want = h->n - 1;
    for (unsigned i = 0; i < HN; i++) {
        seen += h->b[i];
        if (seen > want) {
            unsigned e = i >> SUBB;
            uint64_t lo = e == 0 ? i : ((uint64_t)(i & ((1u << SUBB) - 1)) | (1u << SUBB)) << (e - 1);
            if (lo > h->max) lo = h->max;
            return (double)lo / 1000.0;
        }
    }
    return (double)h->max / 1000.0;
}
static void hist_merge(hist *a, const hist *b)
{
    a->n += b->n;
    if (b->max > a->max) a->max = b->max;
    for (unsigned i = 0; i < HN; i++) a->b[i] += b->b[i];
}

/* ------------------------------------------------------------------ SHA-1, base64 (for Sec-WebSocket-Accept) */

static uint32_t rol(uint32_t x, int k) { return x << k | x >> (32 - k); }
static void sha1(const uint8_t *m, size_t len, uint8_t out[20])
{
    uint32_t h[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
    uint8_t block[64];
    size_t total = ((len + 8) / 64 + 1) * 64;
    for (size_t at = 0; at < total; at += 64) {
        for (size_t i = 0; i < 64; i++) {
            size_t p = at + i;
            if (p < len) block[i] = m[p];
            else if (p == len) block[i] = 0x80;
            else if (p >= total - 8) block[i] = (uint8_t)(((uint64_t)len * 8) >> (8 * (total - 1 - p)));
            else block[i] = 0;
        }
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)block[4*t] << 24 | (uint32_t)block[4*t+1] << 16 | (uint32_t)block[4*t+2] << 8 | block[4*t+3];
        for (int t = 16; t < 80; t++) w[t] = rol(w[t-3] ^ w[t-8] ^ w[t-14] ^ w[t-16], 1);
        for (int t = 0; t < 80; t++) {
            uint32_t f, k;
            if (t < 20) { f = (b & c) | (~b & d); k = 0x5A827999; }
            else if (t < 40) { f = b ^ c ^ d; k = 0x6ED9EBA1; }
            else if (t < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8F1BBCDC; }
            else { f = b ^ c ^ d; k = 0xCA62C1D6; }
            uint32_t x = rol(a, 5) + f + e + k + w[t];
            e = d; d = c; c = rol(b, 30); b = a; a = x;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
static void b64(const uint8_t *p, size_t n, char *out)
{
    static const char *abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (n) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        *out++ = abc[v >> 18];
        *out++ = abc[(v >> 12) & 63];
        *out++ = n > 1 ? abc[(v >> 6) & 63] : '=';
        *out++ = n > 2 ? abc[v & 63] : '=';
        size_t k = n > 3 ? 3 : n;
        p += k;
        n -= k;
    }
    *out = 0;
}

/* ------------------------------------------------------------------ shared results (one block per worker process) */

typedef struct {
    volatile uint64_t recv_all, opened, closed, ready, msgs_in_skip;
    uint64_t sent_all, meas, meas_bytes, mismatch, unexpected, ignored, proto_err, conn_err, pings, deflated, lost_conn;
    uint64_t reads, cpu_ns, pub_acks, handshakes, pub_lag;
    volatile int failed;
    char why[160];
    hist h;
} wres;
typedef struct {
    volatile uint64_t t_start, t_warm, t_end;    /* set once every connection is ready */
    volatile uint64_t npub, npub_meas, stalls;
    volatile int pub_done, go, pub_waiting;
    wres w[64];
} shared;
static shared *sh;
static int wake_fd = -1;

/* ------------------------------------------------------------------ connections */

enum { S_CONNECTING, S_HANDSHAKE, S_OPEN, S_CLOSED };
enum { R_CLIENT, R_PUB, R_STALLED };
typedef struct {
    int fd;
    uint32_t idx;
    uint8_t state, role, hlen, b0, in_msg, op, isready, ctl_len, frag;
    uint8_t ignored, differs;   /* of the message that is coming in, as far as it has come */
    uint8_t hdr[10], ctl[125];
    uint64_t pleft, moff;       /* left of this frame; offset within this message */
    uint64_t sseq, rseq;        /* echo: next to send, next expected */
    uint64_t t0;
    uint32_t soff;              /* echo: bytes of frame sseq already written */
    uint32_t skip;
    uint64_t *ts;               /* echo: send times, a ring of P */
    char *buf;                  /* handshake answer, then head of a message split across reads */
    uint32_t blen;
    uint8_t key[16];
} conn;

typedef struct { uint8_t *frame; char *payload; size_t len; } sample;   /* payload: what must come back, or its beginning */
#define NSAMPLE 64
static sample pool[NSAMPLE];
static size_t frame_len;        /* echo: header + mask + payload */

#define RBUF (512 * 1024)
#define HEAD 1024               /* bytes of a split message kept to look for the time stamp */
static struct {
    int id, ep, n, first;
    conn *c;
    wres *r;
    uint8_t *rbuf, *wbuf;
    uint64_t now, wall;
    int in_handshake, next, opened;
    int phase;                  /* 0 connecting, 1 running, 2 draining */
    uint64_t rng, done;
    size_t ts_at;
    /* publisher */
    conn *pub;
    int npubc;
    uint8_t *pout;
    size_t plen, poff, pcap;
    uint64_t pseq, next_due, last_progress, last_count, written_off;
    int hfd, hwait;             /* HTTP publisher */
    char hbuf[8192];
    size_t hlen;
    double pub_interval;
} W;

static uint64_t rnd(void)
{
    uint64_t x = W.rng;
    x ^= x << 13; x ^= x >> 7; x ^= x << 17;
    return W.rng = x;
}
static void fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(W.r->why, sizeof W.r->why, fmt, ap);
    va_end(ap);
    W.r->failed = 1;
}

static size_t put_header(uint8_t *f, uint8_t b0, size_t n, uint32_t mask)
{
    size_t k = 0;
    f[k++] = b0;
    if (n < 126) f[k++] = 0x80 | (uint8_t)n;
    else if (n < 65536) { f[k++] = 0x80 | 126; f[k++] = (uint8_t)(n >> 8); f[k++] = (uint8_t)n; }
    else { f[k++] = 0x80 | 127; for (int i = 7; i >= 0; i--) f[k++] = (uint8_t)((uint64_t)n >> (8 * i)); }
    memcpy(f + k, &mask, 4);
    return k + 4;
}
static void xor_copy(uint8_t *d, const uint8_t *s, size_t n, uint32_t mask)
{
    uint64_t m8 = (uint64_t)mask << 32 | mask, v;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) { memcpy(&v, s + i, 8); v ^= m8; memcpy(d + i, &v, 8); }
    for (; i < n; i++) d[i] = s[i] ^ ((uint8_t *)&mask)[i & 3];
}
/* builds a whole masked frame at f (room: n + 14); returns its length */
static size_t put_frame(uint8_t *f, uint8_t b0, const void *p, size_t n)
{
    uint32_t mask = (uint32_t)rnd();
    size_t k = put_header(f, b0, n, mask);
    xor_copy(f + k, p, n, mask);
    return k + n;
}

/* %i connection, %m connection (or sequence) modulo --mod, %S sequence, %T time stamp, %F filler up to size */
static size_t expand(const char *t, uint64_t i, uint64_t seq, size_t size, char *out, size_t cap)
{
    size_t k = 0, fill_at = 0;
    bool fill = false;
    for (; *t && k + 64 < cap; t++) {
        if (*t != '%') { out[k++] = *t; continue; }
        switch (*++t) {
        case 'i': k += (size_t)sprintf(out + k, "%llu", (unsigned long long)i); break;
        case 'm': k += (size_t)sprintf(out + k, "%llu", (unsigned long long)(i % (uint64_t)o.mod)); break;
        case 'S': k += (size_t)sprintf(out + k, "%llu", (unsigned long long)seq); break;
        case 'T': k += (size_t)sprintf(out + k, "%s%020llu", o.marker, (unsigned long long)now_ns()); break;
        case 'F': fill = true; fill_at = k; break;
        default: out[k++] = *t ? *t : '%'; if (!*t) t--;
        }
    }
    if (fill && k < size && size + 64 < cap) {
        size_t more = size - k;
        memmove(out + fill_at + more, out + fill_at, k - fill_at);
        for (size_t j = 0; j < more; j++) out[fill_at + j] = (char)('a' + j % 26);
        k += more;
    }
    out[k] = 0;
    return k;
}

static void conn_close(conn *c)
{
    if (c->state == S_CLOSED) return;
    if (c->state < S_OPEN) W.in_handshake--;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->state = S_CLOSED;
    W.r->closed++;
}

static void raw_send(conn *c, const void *p, size_t n)
{
    ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
    if (k != (ssize_t)n) { W.r->conn_err++; fail("short write of %zu bytes during set-up or control", n); }
}

static int dial(conn *c)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o.port) };
    inet_pton(AF_INET, o.addr, &a.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) { fail("socket: %s", strerror(errno)); return -1; }
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (o.nsrc > 1) {
        struct sockaddr_in s = { .sin_family = AF_INET };
        s.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(rnd() % (uint64_t)o.nsrc));
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(c->fd, (void *)&s, sizeof s)) { fail("bind: %s", strerror(errno)); return -1; }
    }
    if (o.mode == CONNECT && o.rst) {
        struct linger l = { 1, 0 };
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    c->state = S_CONNECTING;
    c->t0 = now_ns();
    W.in_handshake++;
    if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS) {
        W.r->conn_err++;
        fail("connect: %s", strerror(errno));
        return -1;
    }
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    epoll_ctl(W.ep, EPOLL_CTL_ADD, c->fd, &ev);
    return 0;
}

static void send_handshake(conn *c)
{
    char path[1024], key[32], req[12288];
    uint64_t a = rnd(), b = rnd();
    memcpy(c->key, &a, 8);
    memcpy(c->key + 8, &b, 8);
    b64(c->key, 16, key);
    expand(c->role == R_PUB && o.pub_path ? o.pub_path : o.path, c->idx, 0, 0, path, sizeof path);
    int n = snprintf(req, sizeof req,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s\r\n",
        path, o.host, key, o.subproto ? "Sec-WebSocket-Protocol: " : "", o.subproto ? o.subproto : "",
        o.subproto ? "\r\n" : "",
        o.deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "",
        c->role == R_PUB && o.pub_extra[0] ? o.pub_extra : o.extra);
    raw_send(c, req, (size_t)n);
    c->state = S_HANDSHAKE;
    c->buf = malloc(4096);
    c->blen = 0;
}

static void now_ready(conn *c)
{
    if (c->isready) return;
    c->isready = 1;
    if (c->role != R_PUB) W.r->ready++;
}

static void send_text(conn *c, const char *t, uint64_t seq)
{
    char text[8192];
    uint8_t f[8192 + 14];
    size_t n = expand(t, c->idx, seq, 0, text, sizeof text);
    raw_send(c, f, put_frame(f, 0x81, text, n));
}

/* the handshake answer is complete in c->buf[0..end) : check it */
static bool check_handshake(conn *c, size_t end)
{
    char key[64], want[32], *line, *save;
    uint8_t dig[20];
    c->buf[end] = 0;
    if (strncmp(c->buf, "HTTP/1.1 101", 12)) { fail("handshake answer: %.60s", c->buf); return false; }
    b64(c->key, 16, key);
    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    sha1((uint8_t *)key, strlen(key), dig);
    b64(dig, 20, want);
    bool ok = false;
    for (line = strtok_r(c->buf, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
        if (!strncasecmp(line, "Sec-WebSocket-Accept:", 21)) {
            char *v = line + 21;
            while (*v == ' ') v++;
            ok = !strcmp(v, want);
        }
    if (!ok) fail("wrong Sec-WebSocket-Accept");
    return ok;
}

/* ------------------------------------------------------------------ echo */

static void echo_send(conn *c)
{
    for (;;) {
        uint64_t limit = W.phase == 1 && W.now < sh->t_end ? c->rseq + (uint64_t)o.inflight : c->sseq + (c->soff ? 1 : 0);
        if (c->sseq >= limit) return;
        size_t want = 0;
        ssize_t n;
        if (frame_len <= 4200) {
            uint64_t s = c->sseq;
            while (s < limit && want + frame_len <= RBUF) {
                const uint8_t *f = pool[(c->idx * 7 + s) % NSAMPLE].frame;
                size_t off = s == c->sseq ? c->soff : 0;
                if (!off) c->ts[s % (uint64_t)o.inflight] = W.now;
                memcpy(W.wbuf + want, f + off, frame_len - off);
                want += frame_len - off;
                s++;
            }
            n = send(c->fd, W.wbuf, want, MSG_NOSIGNAL);
        } else {
            struct iovec v[32];
            int k = 0;
            for (uint64_t s = c->sseq; s < limit && k < 32; s++, k++) {
                size_t off = s == c->sseq ? c->soff : 0;
                if (!off) c->ts[s % (uint64_t)o.inflight] = W.now;
                v[k].iov_base = pool[(c->idx * 7 + s) % NSAMPLE].frame + off;
                v[k].iov_len = frame_len - off;
                want += v[k].iov_len;
            }
            n = writev(c->fd, v, k);
        }
        if (n < 0) {
            if (errno == EAGAIN) return;
            W.r->conn_err++;
            conn_close(c);
            return;
        }
        uint64_t bytes = c->soff + (uint64_t)n, whole = bytes / frame_len;
        c->sseq += whole;
        W.r->sent_all += whole;
        c->soff = (uint32_t)(bytes % frame_len);
        if ((size_t)n < want) return;
    }
}

/* ------------------------------------------------------------------ incoming messages */

/* --event-time: RFC 3339 in UTC with six decimals, as the hub writes it, to nanoseconds since 1970; 0 when it is not that */
#define RFC3339 27
static uint64_t instant(const char *p)
{
    static const char *form = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    for (int i = 0; i < RFC3339; i++) if (form[i] == 'd' ? !isdigit((unsigned char)p[i]) : p[i] != form[i]) return 0;
    int v[7], at[7] = { 0, 5, 8, 11, 14, 17, 20 }, len[7] = { 4, 2, 2, 2, 2, 2, 6 };
    for (int i = 0; i < 7; i++) { v[i] = 0; for (int k = 0; k < len[i]; k++) v[i] = v[i] * 10 + (p[at[i] + k] - '0'); }
    int y = v[0] - (v[1] <= 2), era = y / 400, yoe = y - era * 400, doy = (153 * (v[1] + (v[1] > 2 ? -3 : 9)) + 2) / 5 + v[2] - 1;
    int64_t days = era * 146097ll + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    return (uint64_t)(((days * 24 + v[3]) * 60 + v[4]) * 60 + v[5]) * 1000000000ull + (uint64_t)v[6] * 1000ull;
}
static void stamp(const char *p, size_t n)
{
    size_t ml = strlen(o.marker);
    if (o.event_time) {
        const char *at = memmem(p, n, o.marker, ml);
        uint64_t t = at && at + ml + RFC3339 <= p + n ? instant(at + ml) : 0;
        if (t && t <= W.wall) hist_add(&W.r->h, W.wall - t);
        return;
    }
    const char *hit = NULL;
    if (W.ts_at + ml + 20 <= n && !memcmp(p + W.ts_at, o.marker, ml)) hit = p + W.ts_at;
    else if ((hit = memmem(p, n, o.marker, ml)) && hit + ml + 20 <= p + n) W.ts_at = (size_t)(hit - p);
    else return;
    uint64_t t = 0;
    for (const char *d = hit + ml, *e = d + 20; d < e; d++) {
        if (*d < '0' || *d > '9') return;
        t = t * 10 + (uint64_t)(*d - '0');
    }
    if (t && t <= W.now) hist_add(&W.r->h, W.now - t);
}

static inline bool measuring(void) { return W.phase && W.now >= sh->t_warm && W.now < sh->t_end; }

/* --count-marker: a server may put several publications in one message; count the markers (and look at every stamp) */
static void count_markers(conn *c, const uint8_t *p, size_t n)
{
    size_t ml = strlen(o.marker);
    if (c->moff || c->pleft != n || !(c->b0 & 0x80)) {              /* split: gather the whole message */
        c->buf = realloc(c->buf, c->moff + n + 1);
        memcpy(c->buf + c->moff, p, n);
        c->blen = (uint32_t)(c->moff + n);
        if (c->pleft != n || !(c->b0 & 0x80)) return;
        p = (uint8_t *)c->buf;
        n = c->blen;
        c->blen = 0;
    }
    size_t whole = n, sl = o.event_time ? RFC3339 : 20;
    for (const uint8_t *e = p + n, *h; p < e && (h = memmem(p, (size_t)(e - p), o.marker, ml)); p = h + ml) {
        if (h + ml + sl > e) break;
        W.r->recv_all++;
        if (!measuring()) continue;
        W.r->meas++;
        W.r->meas_bytes += whole;
        whole = 0;
        W.ts_at = 0;
        stamp((const char *)h, ml + sl);
    }
}

/* whether the bytes at this offset of a message go on as `want` begins */
static inline bool goes_on(const char *want, size_t len, uint64_t at, const uint8_t *p, size_t n)
{
    if (at >= len) return true;
    return !memcmp(want + at, p, n < len - at ? n : len - at);
}

static void on_data(conn *c, const uint8_t *p, size_t n, bool rsv1)
{
    if (o.ignore && (c->ignored || !c->moff)) c->ignored = goes_on(o.ignore, strlen(o.ignore), c->moff, p, n);
    if (o.count_marker && !c->skip && c->role == R_CLIENT) { count_markers(c, p, n); return; }
    if (o.mode == ECHO) {
        if (rsv1) return;
        const sample *want = &pool[(c->idx * 7 + c->rseq) % NSAMPLE];
        if (c->rseq >= c->sseq + (c->soff ? 1u : 0u) || (!o.answer && c->moff + n > want->len)) c->differs = 1;
        else if (!goes_on(want->payload, want->len, c->moff, p, n)) c->differs = 1;
    } else if (o.mode == FANOUT && !rsv1 && !c->skip && c->role == R_CLIENT && measuring()) {
        if (c->moff == 0 && c->pleft == n && (c->b0 & 0x80)) { stamp((const char *)p, n < 4096 ? n : 4096); return; }
        if (c->moff < HEAD) {
            if (!c->buf) c->buf = malloc(4096);
            size_t k = n < HEAD - c->moff ? n : HEAD - c->moff;
            memcpy(c->buf + c->moff, p, k);
            c->blen = (uint32_t)(c->moff + k);
        }
    }
}

static void on_message(conn *c, bool rsv1)
{
    wres *r = W.r;
    bool ignored = c->ignored && c->moff >= strlen(o.ignore), differs = c->differs;
    c->ignored = c->differs = 0;
    if (rsv1) r->deflated++;
    if (ignored) { r->ignored++; c->blen = 0; return; }
    if (c->skip) {
        c->skip--;
        r->msgs_in_skip++;
        if (!c->skip) now_ready(c);
        return;
    }
    if (o.mode == ECHO) {
        if (c->rseq >= c->sseq) { r->unexpected++; return; }
        size_t want = pool[(c->idx * 7 + c->rseq) % NSAMPLE].len;
        if (!rsv1 && (differs || (o.answer ? c->moff < want : c->moff != want))) r->mismatch++;
        r->recv_all++;
        if (measuring()) {
            r->meas++;
            r->meas_bytes += c->moff;
            hist_add(&r->h, W.now - c->ts[c->rseq % (uint64_t)o.inflight]);
        }
        c->rseq++;
    } else if (o.mode == FANOUT) {
        if (c->role == R_PUB) { r->pub_acks++; return; }
        if (o.count_marker) return;
        if (!W.phase) r->unexpected++;
        r->recv_all++;
        if (measuring()) {
            r->meas++;
            r->meas_bytes += c->moff;
            if (c->blen) stamp(c->buf, c->blen);
        }
        c->blen = 0;
    } else {
        r->unexpected++;
    }
}

static void on_control(conn *c)
{
    uint8_t f[140];
    if (c->op == 9) {
        W.r->pings++;
        raw_send(c, f, put_frame(f, 0x8A, c->ctl, c->ctl_len));
    } else if (c->op == 8) {
        if (W.phase < 2) {
            W.r->lost_conn++;
            unsigned code = c->ctl_len >= 2 ? (unsigned)c->ctl[0] << 8 | c->ctl[1] : 0;
            snprintf(W.r->why, sizeof W.r->why, "server closed a connection, code %u", code);
        }
        conn_close(c);
    }
}

static void feed(conn *c, const uint8_t *p, size_t n)
{
    while (c->state == S_OPEN && (n || (c->in_msg == 2 && !c->pleft))) {
        if (c->in_msg != 2) {                               /* in a header */
            uint8_t need = 2;
            const uint8_t *h = p;
            if (c->hlen || n < 10) {                        /* slow path: collect bytes */
                while (n && (c->hlen < 2 || c->hlen < (need = (c->hdr[1] & 127) == 127 ? 10 : (c->hdr[1] & 127) == 126 ? 4 : 2))) {
                    c->hdr[c->hlen++] = *p++;
                    n--;
                }
                if (c->hlen < 2) return;
                need = (c->hdr[1] & 127) == 127 ? 10 : (c->hdr[1] & 127) == 126 ? 4 : 2;
                if (c->hlen < need) return;
                h = c->hdr;
                c->hlen = 0;
            } else {
                need = (h[1] & 127) == 127 ? 10 : (h[1] & 127) == 126 ? 4 : 2;
                p += need;
                n -= need;
            }
            uint8_t op = h[0] & 15;
            if (h[1] & 128) { W.r->proto_err++; fail("server sent a masked frame"); conn_close(c); return; }
            uint64_t len = h[1] & 127;
            if (need == 4) len = (uint64_t)h[2] << 8 | h[3];
            else if (need == 10) { len = 0; for (int i = 2; i < 10; i++) len = len << 8 | h[i]; }
            if (op >= 8) {
                if (len > 125 || !(h[0] & 128)) { W.r->proto_err++; fail("bad control frame"); conn_close(c); return; }
                c->ctl_len = 0;
            } else {
                if (op > 2 || (op == 0) != c->frag) {
                    W.r->proto_err++; fail("unexpected opcode %u", op); conn_close(c); return;
                }
                c->b0 = op ? h[0] : (uint8_t)((c->b0 & 0x70) | (h[0] & 0x80));
            }
            c->op = op;
            c->pleft = len;
            c->in_msg = 2;
        }
        size_t k = n < c->pleft ? n : (size_t)c->pleft;
        if (c->op >= 8) {
            memcpy(c->ctl + c->ctl_len, p, k);
            c->ctl_len += (uint8_t)k;
        } else if (k) {
            on_data(c, p, k, c->b0 & 0x40);
            c->moff += k;
        }
        p += k;
        n -= k;
        c->pleft -= k;
        if (!c->pleft) {
            c->in_msg = 0;
            if (c->op >= 8) on_control(c);
            else if (c->b0 & 0x80) { on_message(c, c->b0 & 0x40); c->moff = 0; c->frag = 0; }
            else c->frag = 1;
        }
    }
}

static void opened(conn *c, const uint8_t *rest, size_t n)
{
    c->state = S_OPEN;
    W.in_handshake--;
    W.r->opened++;
    W.r->handshakes++;
    if (o.mode == CONNECT) {
        if (measuring()) { W.r->meas++; hist_add(&W.r->h, now_ns() - c->t0); }
        close(c->fd);
        free(c->buf);
        c->buf = NULL;
        c->state = S_CLOSED;
        return;
    }
    c->skip = c->role == R_PUB ? 0 : (uint32_t)o.skip;
    if (c->role != R_PUB && o.sub) for (int k = 0; k < o.subs; k++) send_text(c, o.sub, (uint64_t)c->idx * (uint64_t)o.subs + (uint64_t)k);
    if (c->role == R_PUB && o.pub_init) send_text(c, o.pub_init, c->idx);
    if (c->role == R_STALLED) { struct epoll_event ev = { .events = 0, .data.ptr = c }; epoll_ctl(W.ep, EPOLL_CTL_MOD, c->fd, &ev); now_ready(c); }
    else if (!c->skip) now_ready(c);
    if (n) feed(c, rest, n);
    if (c->blen == 0 || c->state != S_OPEN) { free(c->buf); c->buf = NULL; }
}

static void readable(conn *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, W.rbuf, RBUF, 0);
        if (n > 0) {
            W.r->reads++;
            W.now = now_ns();
            if (o.event_time) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); W.wall = (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }
            if (c->state == S_OPEN) feed(c, W.rbuf, (size_t)n);
            else {
                size_t room = 4095 - c->blen, k = (size_t)n < room ? (size_t)n : room;
                memcpy(c->buf + c->blen, W.rbuf, k);
                c->blen += (uint32_t)k;
                char *end = memmem(c->buf, c->blen, "\r\n\r\n", 4);
                if (!end) {
                    if (c->blen >= 4095) { fail("handshake answer too long"); conn_close(c); return; }
                } else {
                    size_t head = (size_t)(end - c->buf) + 4, extra = c->blen - head;
                    if (!check_handshake(c, head - 1)) { W.r->conn_err++; conn_close(c); return; }
                    c->blen = 0;
                    opened(c, W.rbuf + ((size_t)n - extra), extra);
                }
            }
            if (c->state == S_CLOSED) return;
            if (n < RBUF) return;
        } else if (n == 0 || errno != EAGAIN) {
            if (W.phase < 2 && !(o.mode == CONNECT)) { W.r->lost_conn++; if (!W.r->why[0]) snprintf(W.r->why, sizeof W.r->why, "server dropped a connection (state %d)", c->state); }
            if (c->state < S_OPEN) { W.r->conn_err++; fail("connection ended during the handshake: %s", n ? strerror(errno) : "end of stream"); }
            conn_close(c);
            return;
        } else return;
    }
}

/* ------------------------------------------------------------------ publisher */

static uint64_t delivered(void)
{
    uint64_t d = 0;
    for (int i = 0; i < o.workers; i++) d += sh->w[i].recv_all;
    return d;
}

static void pub_flush(void)
{
    int fd = o.pub_http ? W.hfd : W.pub->fd;
    while (W.poff < W.plen) {
        ssize_t n = send(fd, W.pout + W.poff, W.plen - W.poff, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN) { fail("publisher: %s", strerror(errno)); W.plen = W.poff = 0; }
            return;
        }
        W.poff += (size_t)n;
    }
    W.plen = W.poff = 0;
}

static void pub_one(void)
{
    char *text = (char *)W.wbuf;
    size_t n = expand(o.pub, W.pseq, W.pseq, (size_t)o.pub_size, text, RBUF);
    if (W.pcap < W.plen + n + 8192) { W.pcap = (W.plen + n + 8192) * 2; W.pout = realloc(W.pout, W.pcap); }
    if (o.pub_http) {
        char path[1024];
        expand(o.pub_http, W.pseq, W.pseq, 0, path, sizeof path);
        W.plen += (size_t)sprintf((char *)W.pout + W.plen, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n", path, o.host,
            o.pub_extra[0] ? o.pub_extra : "Content-Type: application/json\r\n", n);
        memcpy(W.pout + W.plen, text, n);
        W.plen += n;
        W.hwait++;
    } else {
        W.plen += put_frame(W.pout + W.plen, o.binary ? 0x82 : 0x81, text, n);
    }
    W.pseq++;
    sh->npub = W.pseq;
    if (measuring()) sh->npub_meas++;
}

static void http_dial(void);
static void http_answer(void)
{
    for (;;) {
        ssize_t n = recv(W.hfd, W.hbuf + W.hlen, sizeof W.hbuf - 1 - W.hlen, 0);
        if (n <= 0) {
            if (n < 0 && errno == EAGAIN) return;
            if (W.hwait || W.hlen) { fail("HTTP publisher: connection ended"); return; }
            close(W.hfd);                       /* a server that does not keep connections: dial again */
            http_dial();
            return;
        }
        W.hlen += (size_t)n;
        for (;;) {
            char *end = memmem(W.hbuf, W.hlen, "\r\n\r\n", 4);
            if (!end) break;
            W.hbuf[W.hlen] = 0;
            *end = 0;
            char *cl = strcasestr(W.hbuf, "\r\nContent-Length:");
            size_t body = cl ? strtoul(cl + 17, NULL, 10) : 0, whole = (size_t)(end - W.hbuf) + 4 + body;
            *end = '\r';
            if (whole > W.hlen) break;
            if (strncmp(W.hbuf, "HTTP/1.1 2", 10)) { W.r->pub_lag++; snprintf(W.r->why, sizeof W.r->why, "publish answer: %.60s", W.hbuf); }
            bool closing = strcasestr(W.hbuf, "\r\nConnection: close") != NULL;
            memmove(W.hbuf, W.hbuf + whole, W.hlen - whole);
            W.hlen -= whole;
            W.hwait--;
            W.r->pub_acks++;
            if (closing) { W.hlen = 0; close(W.hfd); http_dial(); return; }
        }
    }
}

/* publish what is due; returns ns until the next publication is due (-1: none is) */
static int64_t pub_step(void)
{
    if (W.id != 0 || !o.pub || W.phase != 1) return -1;
    if (W.plen) { pub_flush(); if (W.plen) return -1; }
    if (W.now >= sh->t_end || (o.pub_count && (long)W.pseq >= o.pub_count)) { sh->pub_done = 1; return -1; }
    if (o.pub_http && W.hwait) return -1;
    uint64_t per = (uint64_t)o.expect, got = delivered() + W.written_off;
    if (o.pub_rate > 0) {
        int k = 0;
        while (W.now >= W.next_due && k < 256) {
            for (int b = 0; b < o.pub_burst; b++) pub_one();
            W.next_due += (uint64_t)W.pub_interval;
            k++;
            if (o.pub_http) break;
        }
        if (k) pub_flush();
        int64_t left = (int64_t)(W.next_due - W.now);
        return left > 0 ? left : 0;
    }
    uint64_t done = per ? got / per : W.pseq;
    if (got != W.last_count) { W.last_count = got; W.last_progress = W.now; }
    else if (W.pseq > done && W.now - W.last_progress > 1000000000ull) {      /* nothing for a second: give those up */
        sh->stalls++;
        W.written_off += W.pseq * per - got;
        W.last_progress = W.now;
        done = W.pseq;
    }
    int k = 0;
    while (W.pseq < done + (uint64_t)o.pub_window && k < 1024) {
        pub_one();
        k++;
        if (o.pub_http) break;
    }
    if (k) pub_flush();
    sh->pub_waiting = 1;
    return -1;
}

static void http_dial(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o.port) };
    char *colon = strchr(o.pub_http, ':'), *slash = strchr(o.pub_http, '/');
    if (colon && slash && colon < slash) { a.sin_port = htons((uint16_t)atoi(colon + 1)); }
    if (slash) o.pub_http = slash;
    inet_pton(AF_INET, o.addr, &a.sin_addr);
    W.hfd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(W.hfd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(W.hfd, (void *)&a, sizeof a)) { fail("HTTP publisher: connect: %s", strerror(errno)); return; }
    fcntl(W.hfd, F_SETFL, O_NONBLOCK);
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = 2 };
    epoll_ctl(W.ep, EPOLL_CTL_ADD, W.hfd, &ev);
}

/* ------------------------------------------------------------------ a worker process */

static void pump(int64_t timeout_ns)
{
    struct epoll_event ev[512];
    struct timespec ts = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    int n = epoll_pwait2(W.ep, ev, 512, timeout_ns < 0 ? NULL : &ts, NULL);
    W.now = now_ns();
    for (int i = 0; i < n; i++) {
        if (ev[i].data.u64 == 1) { uint64_t x; if (read(wake_fd, &x, 8) < 0) {} continue; }
        if (ev[i].data.u64 == 2) { http_answer(); continue; }
        conn *c = ev[i].data.ptr;
        if (c->state == S_CLOSED) continue;
        if (c->state == S_CONNECTING) {
            int err = 0;
            socklen_t el = sizeof err;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &el);
            if (err) { W.r->conn_err++; fail("connect: %s", strerror(err)); conn_close(c); continue; }
            if (!(ev[i].events & EPOLLOUT)) continue;
            send_handshake(c);
        }
        if (ev[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable(c);
        if (c->state == S_OPEN && o.mode == ECHO && W.phase) echo_send(c);
    }
    if (W.id != 0 && o.mode == FANOUT && o.workers > 1 && sh->pub_waiting && n > 0) {
        uint64_t x = 1;
        sh->pub_waiting = 0;
        if (write(wake_fd, &x, 8) < 0) {}
    }
}

static void worker(int id)
{
    W.id = id;
    W.r = &sh->w[id];
    W.rng = 0x9E3779B97F4A7C15ull * (uint64_t)(id + 1) ^ now_ns();
    W.ep = epoll_create1(EPOLL_CLOEXEC);
    W.rbuf = malloc(RBUF);
    W.wbuf = malloc(RBUF + 4096);
    memset(W.rbuf, 1, RBUF);
    memset(W.wbuf, 1, RBUF);
    if (o.cpu >= 0) {
        cpu_set_t s;
        CPU_ZERO(&s);
        CPU_SET((size_t)(o.cpu + id) % (size_t)sysconf(_SC_NPROCESSORS_ONLN), &s);
        sched_setaffinity(0, sizeof s, &s);
    }
    W.first = (int)((long)o.conns * id / o.workers);
    W.n = (int)((long)o.conns * (id + 1) / o.workers) - W.first;
    bool want_pub = id == 0 && o.mode == FANOUT && o.pub;
    int extra = want_pub && !o.pub_http ? 1 : 0;
    W.c = calloc((size_t)(W.n + extra), sizeof(conn));
    for (int i = 0; i < W.n + extra; i++) {
        W.c[i].fd = -1;
        W.c[i].idx = (uint32_t)(W.first + i);
        W.c[i].state = S_CLOSED;
        W.c[i].role = i >= W.n ? R_PUB : (int)W.c[i].idx < o.stall ? R_STALLED : R_CLIENT;
        if (o.mode == ECHO) W.c[i].ts = calloc((size_t)o.inflight, 8);
    }
    if (o.mode == ECHO) {
        for (int i = 0; i < NSAMPLE; i++) {
            pool[i].payload = malloc((size_t)o.size + 64);
            pool[i].frame = malloc((size_t)o.size + 64);
            char *p = pool[i].payload;
            for (int j = 0; j < o.size; j++) p[j] = (char)(o.binary ? (int)(rnd() & 255) : 33 + (int)(rnd() % 90));
            pool[i].len = (size_t)o.size;
            if (o.ask) {                                    /* %S: a number of eleven digits, so that all questions are as long */
                uint64_t number = 10000000000ull + (uint64_t)i * 97;
                char *text = malloc(RBUF);
                size_t n = expand(o.ask, 0, number, 0, text, RBUF);
                pool[i].frame = realloc(pool[i].frame, n + 14);
                frame_len = put_frame(pool[i].frame, 0x81, text, n);
                pool[i].len = expand(o.answer, 0, number, 0, text, RBUF);
                pool[i].payload = text;
                continue;
            }
            if (o.utf8) for (int j = 0; j + 1 < o.size; j += 2) { p[j] = (char)0xC3; p[j+1] = (char)(0x80 + rnd() % 0x3F); }
            frame_len = put_frame(pool[i].frame, o.binary ? 0x82 : 0x81, p, (size_t)o.size);
        }
    }
    if (want_pub) {
        struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 1 };
        epoll_ctl(W.ep, EPOLL_CTL_ADD, wake_fd, &ev);
    }
    int total = W.n + extra;
    W.now = now_ns();
    uint64_t last = W.now, seen = 0;

    /* phase 0: open everything (connect mode: nothing is opened ahead) */
    if (o.mode != CONNECT) {
        while (!W.r->failed) {
            while (W.in_handshake < o.ramp && W.next < total && !W.r->failed) dial(&W.c[W.next++]);
            if (extra) W.pub = &W.c[W.n];
            if (W.r->opened >= (uint64_t)total && W.r->ready >= (uint64_t)W.n) break;
            pump(100000000);
            uint64_t x = W.r->opened + W.r->ready + W.r->msgs_in_skip;
            if (x != seen) { seen = x; last = W.now; }
            else if (W.now - last > 20000000000ull)
                fail("no progress for 20 s: %llu of %d open, %llu ready", (unsigned long long)W.r->opened, total, (unsigned long long)W.r->ready);
        }
        if (want_pub && o.pub_http && !W.r->failed) http_dial();
    } else {
        W.r->ready = (uint64_t)W.n;
    }
    W.done = 1;
    /* wait for the parent to start the clock */
    while (!sh->go && !W.r->failed) pump(5000000);
    if (W.r->failed) return;

    struct rusage ru0 = { 0 }, ru1 = { 0 };
    bool got0 = false, got1 = false;
    W.phase = 1;
    W.now = now_ns();
    W.next_due = sh->t_start;
    W.last_progress = W.now;
    W.pub_interval = o.pub_rate > 0 ? 1e9 / o.pub_rate : 0;
    while (W.now < sh->t_start) { pump(1000000); }
    if (o.mode == ECHO) for (int i = 0; i < W.n; i++) if (W.c[i].state == S_OPEN) echo_send(&W.c[i]);
    uint64_t drain_seen = 0, drain_at = 0;
    for (;;) {
        if (!got0 && W.now >= sh->t_warm) { getrusage(RUSAGE_SELF, &ru0); got0 = true; }
        if (!got1 && W.now >= sh->t_end) { getrusage(RUSAGE_SELF, &ru1); got1 = true; }
        int64_t wait = 20000000;
        int64_t left = (int64_t)(sh->t_end - W.now);
        if (W.now < sh->t_end && left < wait) wait = left > 0 ? left : 0;
        int64_t p = pub_step();
        if (p >= 0 && p < wait) wait = p;
        if (o.mode == CONNECT && W.now < sh->t_end) {
            for (int i = 0; i < W.n && W.in_handshake < W.n; i++) if (W.c[i].state == S_CLOSED && dial(&W.c[i])) break;
        }
        if (W.now >= sh->t_end) {                                   /* drain */
            if (o.mode == IDLE) { W.phase = 2; break; }
            if (o.mode == CONNECT) { if (W.in_handshake <= 0) break; }
            if (o.mode == ECHO) {
                uint64_t out = 0;
                for (int i = 0; i < W.n; i++) if (W.c[i].state == S_OPEN) out += W.c[i].sseq - W.c[i].rseq + (W.c[i].soff ? 1 : 0);
                if (!out) break;
            }
            if (o.mode == FANOUT && o.pub && sh->pub_done && delivered() >= sh->npub * (uint64_t)o.expect) break;
            uint64_t x = o.mode == FANOUT ? delivered() : W.r->recv_all + W.r->handshakes;
            if (x != drain_seen || !drain_at) { drain_seen = x; drain_at = W.now; }
            else if (W.now - drain_at > (uint64_t)(o.settle * 1e9)) break;
            if (W.r->failed && o.mode == CONNECT) break;
        }
        pump(wait);
        if (W.r->failed && W.r->closed >= W.r->opened) break;
    }
    if (!got1) getrusage(RUSAGE_SELF, &ru1);
    W.phase = 2;
#define CPU(r) ((uint64_t)((r).ru_utime.tv_sec + (r).ru_stime.tv_sec) * 1000000000ull + (uint64_t)((r).ru_utime.tv_usec + (r).ru_stime.tv_usec) * 1000ull)
    W.r->cpu_ns = CPU(ru1) - CPU(ru0);
    /* a polite end: a close frame on every connection that is still open (not when measuring with idle: too slow to matter) */
    if (o.mode != CONNECT) {
        uint8_t f[16];
        uint8_t code[2] = { 0x03, 0xE8 };
        for (int i = 0; i < total; i++) if (W.c[i].state == S_OPEN && W.c[i].role != R_STALLED && !W.c[i].soff) {
            size_t k = put_frame(f, 0x88, code, 2);
            if (send(W.c[i].fd, f, k, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {}
        }
        uint64_t until = now_ns() + 300000000ull;
        while (now_ns() < until && W.r->closed < W.r->opened) pump(20000000);
    }
}

/* ------------------------------------------------------------------ the server's processes, seen through /proc */

static int family(int *out, int cap)
{
    int n = 0;
    for (int i = 0; i < o.npid && n < cap; i++) out[n++] = o.pid[i];
    DIR *d = opendir("/proc");
    struct { int pid, ppid; } *all = malloc(sizeof *all * 65536);
    int na = 0;
    for (struct dirent *e; d && (e = readdir(d)) && na < 65536;) {
        if (!isdigit((unsigned char)e->d_name[0])) continue;
        char path[64], buf[512];
        snprintf(path, sizeof path, "/proc/%.20s/stat", e->d_name);
        int fd = open(path, O_RDONLY);
        if (fd < 0) continue;
        ssize_t k = read(fd, buf, sizeof buf - 1);
        close(fd);
        if (k <= 0) continue;
        buf[k] = 0;
        char *paren = strrchr(buf, ')');
        int ppid = 0;
        if (paren && sscanf(paren + 1, " %*c %d", &ppid) == 1) { all[na].pid = atoi(e->d_name); all[na].ppid = ppid; na++; }
    }
    if (d) closedir(d);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < na && n < cap; j++)
            if (all[j].ppid == out[i]) {
                bool have = false;
                for (int k = 0; k < n; k++) have |= out[k] == all[j].pid;
                if (!have) out[n++] = all[j].pid;
            }
    free(all);
    return n;
}
typedef struct { uint64_t cpu_ns, busy_ns; double rss_kb, pss_kb, priv_kb, sock_kb, slab_kb, cg_kb; } usage;
static double field_kb(const char *file, const char *name)
{
    FILE *f = fopen(file, "r");
    char line[256];
    double v = 0;
    size_t nl = strlen(name);
    while (f && fgets(line, sizeof line, f)) if (!strncmp(line, name, nl)) { v = atof(line + nl); break; }
    if (f) fclose(f);
    return v;
}
static void observe(usage *u, bool memory)
{
    int p[256], n = 0;
    if (o.alone) for (; n < o.npid; n++) p[n] = o.pid[n];
    else if (o.npid) n = family(p, 256);
    memset(u, 0, sizeof *u);
    for (int i = 0; i < n; i++) {
        char path[96];
        snprintf(path, sizeof path, "/proc/%d/task", p[i]);
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] == '.') continue;
            char sp[160];
            snprintf(sp, sizeof sp, "/proc/%d/task/%.20s/schedstat", p[i], e->d_name);
            FILE *f = fopen(sp, "r");
            unsigned long long ns = 0;
            if (f && fscanf(f, "%llu", &ns) == 1) u->cpu_ns += ns;
            if (f) fclose(f);
        }
        if (d) closedir(d);
        if (memory) {
            snprintf(path, sizeof path, "/proc/%d/smaps_rollup", p[i]);
            u->rss_kb += field_kb(path, "Rss:");
            u->pss_kb += field_kb(path, "Pss:");
            u->priv_kb += field_kb(path, "Private_Clean:") + field_kb(path, "Private_Dirty:");
        }
    }
    FILE *ps = fopen("/proc/stat", "r");
    unsigned long long v[8] = { 0 };
    if (ps && fscanf(ps, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v+1, v+2, v+3, v+4, v+5, v+6, v+7) == 8)
        u->busy_ns = (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
    if (ps) fclose(ps);
    if (memory) {
        FILE *f = fopen("/proc/net/sockstat", "r");
        char line[256];
        while (f && fgets(line, sizeof line, f)) {
            char *m = strstr(line, " mem ");
            if (!strncmp(line, "TCP:", 4) && m) u->sock_kb = atof(m + 5) * 4;
        }
        if (f) fclose(f);
        u->slab_kb = field_kb("/proc/meminfo", "Slab:");
    }
}

/* ------------------------------------------------------------------ main */

static void usage_text(void)
{
    puts("wsload echo|fanout|idle|connect [options]\n"
         "  -a ADDR  -p PORT  --path PATH  --host HOST  -H 'Name: value' (repeat)  --subproto NAME  --deflate (offer it)\n"
         "  -c CONNS  -d SECS  -w WARM-UP SECS  -j WORKERS  --cpu N (pin worker k to core N+k)  --ramp HANDSHAKES IN FLIGHT\n"
         "  --src K   use source addresses 127.0.0.1 .. K (default: as many as CONNS needs)\n"
         "  --pid PID[,PID]  measure that server (with its children): CPU for each message, memory   --json   --label TEXT\n"
         "  --alone (the server is --pid only, not its children)  --ignore TEXT (messages that begin so are nothing to count)\n"
         "echo:    -P IN-FLIGHT  -s SIZE  --binary  --utf8 (two-byte characters)\n"
         "         --ask TEMPLATE --answer TEMPLATE  send that instead, and expect answers that begin so (%S: the same number in both)\n"
         "fanout:  --sub TEXT  --subs K (that many from each connection, %S: a number of its own)  --skip N (answers to each subscription)  --stall K (the first K never read)  --mod M\n"
         "         --pub TEMPLATE  --pub-path PATH  --pub-init TEXT (sent once by the publisher)  --pub-header 'Name: value'  --pub-http [host:port]/PATH (POST instead)\n"
         "         --pub-size BYTES  --pub-window W (closed loop)  --pub-rate R (open loop)  --pub-burst K (at once, R times a second)  --pub-count N  --expect N\n"
         "         --marker STR (before the 20-digit time stamp, default @t=)  --count-marker (count markers, not messages)\n"
         "         --event-time (after the marker stands RFC 3339 in UTC with microseconds; latency by the wall clock)\n"
         "         without --pub: an outside publisher  --ready-file PATH (made when every connection is ready)\n"
         "         template: %T time stamp, %S sequence, %m sequence modulo M, %F filler up to --pub-size, %i connection\n"
         "idle:    --hold SECS\n"
         "connect: --close rst|fin\n"
         "  --grace SECS  pause between the last connection being ready and the start (default 0.1)\n"
         "  --settle SECS  how long to wait for stragglers after the end (default 2)");
}

int main(int argc, char **argv)
{
    static const struct option lo[] = {
        { "path", 1, 0, 1 }, { "host", 1, 0, 2 }, { "src", 1, 0, 3 }, { "ramp", 1, 0, 4 }, { "pid", 1, 0, 5 }, { "hold", 1, 0, 6 },
        { "sub", 1, 0, 7 }, { "skip", 1, 0, 8 }, { "pub", 1, 0, 9 }, { "pub-path", 1, 0, 10 }, { "pub-http", 1, 0, 11 },
        { "pub-size", 1, 0, 12 }, { "pub-rate", 1, 0, 13 }, { "pub-window", 1, 0, 14 }, { "pub-count", 1, 0, 15 },
        { "expect", 1, 0, 16 }, { "mod", 1, 0, 17 }, { "stall", 1, 0, 18 }, { "marker", 1, 0, 19 }, { "binary", 0, 0, 20 },
        { "utf8", 0, 0, 21 }, { "deflate", 0, 0, 22 }, { "json", 0, 0, 23 }, { "label", 1, 0, 24 }, { "cpu", 1, 0, 25 },
        { "close", 1, 0, 26 }, { "settle", 1, 0, 27 }, { "subproto", 1, 0, 28 }, { "pub-header", 1, 0, 29 }, { "pub-init", 1, 0, 30 }, { "grace", 1, 0, 31 }, { "count-marker", 0, 0, 32 }, { "ready-file", 1, 0, 33 }, { "ask", 1, 0, 34 },
        { "answer", 1, 0, 35 }, { "ignore", 1, 0, 36 }, { "event-time", 0, 0, 37 }, { "alone", 0, 0, 38 }, { "pub-burst", 1, 0, 39 }, { "subs", 1, 0, 40 }, { "help", 0, 0, 'h' }, { 0 } };
    if (argc < 2) { usage_text(); return 2; }
    const char *modes[] = { "echo", "fanout", "idle", "connect" };
    for (int i = 0; i < 4; i++) if (!strcmp(argv[1], modes[i])) o.mode = i;
    if (o.mode < 0) { usage_text(); return strcmp(argv[1], "--help") ? 2 : 0; }
    bool have_expect = false;
    for (int k; (k = getopt_long(argc - 1, argv + 1, "a:p:c:P:s:d:w:j:H:h", lo, NULL)) != -1;) switch (k) {
        case 'a': o.addr = optarg; break;
        case 'p': o.port = atoi(optarg); break;
        case 'c': o.conns = atoi(optarg); break;
        case 'P': o.inflight = atoi(optarg); break;
        case 's': o.size = atoi(optarg); break;
        case 'd': o.secs = atof(optarg); break;
        case 'w': o.warm = atof(optarg); break;
        case 'j': o.workers = atoi(optarg); break;
        case 'H': if (strlen(o.extra) + strlen(optarg) + 3 < sizeof o.extra) { strcat(o.extra, optarg); strcat(o.extra, "\r\n"); } break;
        case 1: o.path = optarg; break;
        case 2: o.host = optarg; break;
        case 3: o.nsrc = atoi(optarg); break;
        case 4: o.ramp = atoi(optarg); break;
        case 5: for (char *s = strtok(optarg, ","); s && o.npid < 16; s = strtok(NULL, ",")) o.pid[o.npid++] = atoi(s); break;
        case 6: o.hold = atof(optarg); break;
        case 7: o.sub = optarg; break;
        case 8: o.skip = atoi(optarg); break;
        case 9: o.pub = optarg; break;
        case 10: o.pub_path = optarg; break;
        case 11: o.pub_http = optarg; break;
        case 12: o.pub_size = atoi(optarg); break;
        case 13: o.pub_rate = atof(optarg); break;
        case 14: o.pub_window = atoi(optarg); break;
        case 15: o.pub_count = atol(optarg); break;
        case 16: o.expect = atoi(optarg); have_expect = true; break;
        case 17: o.mod = atoi(optarg); break;
        case 18: o.stall = atoi(optarg); break;
        case 19: o.marker = optarg; break;
        case 20: o.binary = 1; break;
        case 21: o.utf8 = 1; break;
        case 22: o.deflate = 1; break;
        case 23: o.json = 1; break;
        case 24: o.label = optarg; break;
        case 25: o.cpu = atoi(optarg); break;
        case 26: o.rst = strcmp(optarg, "fin") != 0; break;
        case 27: o.settle = atof(optarg); break;
        case 28: o.subproto = optarg; break;
        case 29: if (strlen(o.pub_extra) + strlen(optarg) + 3 < sizeof o.pub_extra) { strcat(o.pub_extra, optarg); strcat(o.pub_extra, "\r\n"); } break;
        case 30: o.pub_init = optarg; break;
        case 31: o.grace = atof(optarg); break;
        case 32: o.count_marker = 1; break;
        case 33: o.ready_file = optarg; break;
        case 34: o.ask = optarg; break;
        case 35: o.answer = optarg; break;
        case 36: o.ignore = optarg; break;
        case 37: o.event_time = 1; break;
        case 38: o.alone = 1; break;
        case 39: o.pub_burst = atoi(optarg); break;
        case 40: o.subs = atoi(optarg); break;
        default: usage_text(); return 2;
    }
    if (o.workers < 1 || o.workers > 64 || o.conns < o.workers || o.inflight < 1 || o.mod < 1 || o.secs > 600 || o.hold > 600 || o.size > 400000 || o.pub_size > 400000 || !o.ask != !o.answer
        || o.pub_burst < 1 || o.pub_burst > 256 || o.subs < 1 || o.subs > 1000) {
        fputs("wsload: an option is out of range\n", stderr);
        return 2;
    }
    if (o.ask && strlen(o.ask) > 3000) { fputs("wsload: --ask is too long\n", stderr); return 2; }
    if (!have_expect) o.expect = (o.conns - o.stall) / o.mod;
    if (!o.nsrc) o.nsrc = o.mode == CONNECT ? 100 : o.conns / 20000 + 1;
    char host[64];
    if (!o.host) { snprintf(host, sizeof host, "%s:%d", o.addr, o.port); o.host = host; }
    if (strncmp(o.addr, "127.", 4)) o.nsrc = 1;
    struct rlimit cur;
    rlim_t need = (rlim_t)(o.conns / o.workers + 64);
    getrlimit(RLIMIT_NOFILE, &cur);
    if (cur.rlim_cur < need) {
        struct rlimit rl = { need, cur.rlim_max < need ? need : cur.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &rl)) {
            fprintf(stderr, "wsload: this user may open %llu files in a process, %llu are needed: use more workers (-j)\n", (unsigned long long)cur.rlim_max, (unsigned long long)need);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    usage u0 = { 0 }, u1 = { 0 }, m0 = { 0 }, m1 = { 0 };
    if (o.mode == IDLE) observe(&m0, true);
    pid_t kid[64];
    for (int i = 0; i < o.workers; i++) {
        kid[i] = fork();
        if (kid[i] == 0) { worker(i); _exit(0); }
        if (kid[i] < 0) { perror("fork"); return 2; }
    }
    uint64_t t_open0 = now_ns();
    bool bad = false;
    for (;;) {                                                   /* until every worker is ready */
        uint64_t ready = 0;
        bool pub_ok = true;
        for (int i = 0; i < o.workers; i++) {
            ready += sh->w[i].ready;
            if (sh->w[i].failed) bad = true;
            if (i == 0 && o.mode == FANOUT && o.pub && !o.pub_http && sh->w[0].opened < (uint64_t)(o.conns / o.workers + 1)) pub_ok = false;
        }
        if (bad || (ready >= (uint64_t)o.conns && pub_ok)) break;
        usleep(2000);
    }
    double open_s = (double)(now_ns() - t_open0) / 1e9;
    uint64_t t_warm_ns = 0, t_end_ns = 0;
    if (!bad) {
        uint64_t t = now_ns() + (uint64_t)(o.grace * 1e9);
        if (o.ready_file) { int fd = open(o.ready_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644); if (fd >= 0) close(fd); }
        if (o.mode == IDLE) { o.secs = o.hold; o.warm = 0; }
        sh->t_start = t;
        sh->t_warm = t_warm_ns = t + (uint64_t)(o.warm * 1e9);
        sh->t_end = t_end_ns = sh->t_warm + (uint64_t)(o.secs * 1e9);
        __sync_synchronize();
        sh->go = 1;
        struct timespec a = { (time_t)(t_warm_ns / 1000000000ull), (long)(t_warm_ns % 1000000000ull) };
        struct timespec b = { (time_t)(t_end_ns / 1000000000ull), (long)(t_end_ns % 1000000000ull) };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL);
        observe(&u0, false);
        if (o.mode == IDLE) {
            b.tv_nsec -= 100000000L;
            if (b.tv_nsec < 0) { b.tv_nsec += 1000000000L; b.tv_sec--; }
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL);
        observe(&u1, false);
        if (o.mode == IDLE) observe(&m1, true);
    }
    /* bounded: workers end by themselves; past a generous limit they are ended */
    uint64_t limit = now_ns() + (uint64_t)((o.settle + 30) * 1e9);
    for (int i = 0; i < o.workers; i++)
        for (;;) {
            int st;
            pid_t r = waitpid(kid[i], &st, WNOHANG);
            if (r == kid[i]) { if (!WIFEXITED(st)) { bad = true; fprintf(stderr, "wsload: worker %d ended by signal %d\n", i, WTERMSIG(st)); } break; }
            bool any = false;
            for (int j = 0; j < o.workers; j++) any |= sh->w[j].failed && !sh->go;
            if (now_ns() > limit || any) { kill(kid[i], SIGKILL); waitpid(kid[i], &st, 0); break; }
            usleep(2000);
        }

    static hist H;
    wres s = { 0 };
    const char *why = "";
    for (int i = 0; i < o.workers; i++) {
        wres *w = &sh->w[i];
        hist_merge(&H, &w->h);
        s.recv_all += w->recv_all; s.sent_all += w->sent_all; s.meas += w->meas; s.meas_bytes += w->meas_bytes;
        s.mismatch += w->mismatch; s.unexpected += w->unexpected; s.ignored += w->ignored; s.proto_err += w->proto_err; s.conn_err += w->conn_err;
        s.pings += w->pings; s.deflated += w->deflated; s.lost_conn += w->lost_conn; s.reads += w->reads; s.cpu_ns += w->cpu_ns;
        s.opened += w->opened; s.handshakes += w->handshakes; s.pub_acks += w->pub_acks; s.pub_lag += w->pub_lag;
        if (w->failed) bad = true;
        if (w->why[0]) why = w->why;
    }
    uint64_t want = o.mode == ECHO ? s.sent_all : o.mode == FANOUT && o.pub ? sh->npub * (uint64_t)o.expect : s.recv_all;
    int64_t lost = (int64_t)(want - s.recv_all);
    double rate = o.secs > 0 ? (double)s.meas / o.secs : 0;
    double cl_util = (double)s.cpu_ns / 1e9 / o.secs;
    double sv_util = (double)(u1.cpu_ns - u0.cpu_ns) / 1e9 / o.secs;
    double machine = (double)(u1.busy_ns - u0.busy_ns) / 1e9 / o.secs;      /* cores busy, whoever used them */
    double sv_us = s.meas ? (double)(u1.cpu_ns - u0.cpu_ns) / 1000.0 / (double)s.meas : 0;
    double cl_us = s.meas ? (double)s.cpu_ns / 1000.0 / (double)s.meas : 0;
    bool clean = !bad && !lost && !s.mismatch && !s.unexpected && !s.proto_err && !s.conn_err && !s.lost_conn && !s.pub_lag;
    double per = o.conns ? 1.0 / o.conns : 0;
    if (o.json) {
        printf("{\"label\":\"%s\",\"mode\":\"%s\",\"c\":%d,\"P\":%d,\"size\":%d,\"secs\":%.2f,\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,"
               "\"mb_s\":%.1f,\"bytes_per_msg\":%.1f,\"measured\":%llu,\"ignored\":%llu,\"srv_us_per_msg\":%.4f,\"srv_util\":%.3f,\"cli_us_per_msg\":%.4f,\"cli_util\":%.3f,\"msgs_per_read\":%.2f,"
               "\"sent\":%llu,\"received\":%llu,\"lost\":%lld,\"mismatch\":%llu,\"unexpected\":%llu,\"errors\":%llu,\"dropped_conns\":%llu,"
               "\"published\":%llu,\"pub_rate\":%.1f,\"stalls\":%llu,\"pings\":%llu,\"deflated\":%llu,\"open_s\":%.2f,"
               "\"rss_kb\":%.0f,\"rss_kb_per_conn\":%.3f,\"pss_kb_per_conn\":%.3f,\"priv_kb_per_conn\":%.3f,\"sock_kb_per_conn\":%.3f,\"slab_kb_per_conn\":%.3f,"
               "\"machine_busy\":%.3f,\"clean\":%s,\"why\":\"%.120s\"}\n",
               o.label, modes[o.mode], o.conns, o.inflight, o.mode == FANOUT ? o.pub_size : o.size, o.secs, rate, hist_us(&H, .5), hist_us(&H, .99),
               (double)H.max / 1e3, (double)s.meas_bytes / o.secs / 1e6, s.meas ? (double)s.meas_bytes / (double)s.meas : 0,
               (unsigned long long)s.meas, (unsigned long long)s.ignored, sv_us, sv_util, cl_us, cl_util, s.reads ? (double)s.recv_all / (double)s.reads : 0,
               (unsigned long long)(o.mode == FANOUT ? sh->npub : s.sent_all), (unsigned long long)s.recv_all, (long long)lost, (unsigned long long)s.mismatch,
               (unsigned long long)s.unexpected, (unsigned long long)(s.conn_err + s.proto_err + s.pub_lag), (unsigned long long)s.lost_conn,
               (unsigned long long)sh->npub, (double)sh->npub_meas / o.secs, (unsigned long long)sh->stalls, (unsigned long long)s.pings,
               (unsigned long long)s.deflated, open_s, m1.rss_kb, (m1.rss_kb - m0.rss_kb) * per, (m1.pss_kb - m0.pss_kb) * per, (m1.priv_kb - m0.priv_kb) * per,
               (m1.sock_kb - m0.sock_kb) * per, (m1.slab_kb - m0.slab_kb) * per, machine, clean ? "true" : "false", why);
        return clean ? 0 : 1;
    }
    printf("%s %s c=%d", o.label[0] ? o.label : "wsload", modes[o.mode], o.conns);
    if (o.mode == ECHO) printf(" P=%d size=%d", o.inflight, o.size);
    if (o.mode == FANOUT) printf(" size=%d published=%llu (%.0f/s)", o.pub_size, (unsigned long long)sh->npub, (double)sh->npub_meas / o.secs);
    if (o.mode == IDLE)
        printf("  opened in %.2f s; server RSS %.0f KiB: %.2f KiB a connection (private %.2f, pss %.2f); kernel: sockets %.2f, slab %.2f KiB a connection (both ends)\n",
               open_s, m1.rss_kb, (m1.rss_kb - m0.rss_kb) * per, (m1.priv_kb - m0.priv_kb) * per, (m1.pss_kb - m0.pss_kb) * per,
               (m1.sock_kb - m0.sock_kb) * per, (m1.slab_kb - m0.slab_kb) * per);
    else
        printf("  %.0f %s/s (%.1f MB/s)  p50 %.1f us  p99 %.1f us  max %.1f us\n", rate, o.mode == CONNECT ? "handshakes" : "msgs",
               (double)s.meas_bytes / o.secs / 1e6, hist_us(&H, .5), hist_us(&H, .99), (double)H.max / 1e3);
    printf("   server cpu %.3f us/msg (%.0f %%)  client cpu %.3f us/msg (%.0f %%)  others %.0f %%  msgs/read %.2f  lost %lld  mismatch %llu  unexpected %llu  errors %llu  dropped connections %llu%s%s%s\n",
           sv_us, sv_util * 100, cl_us, cl_util * 100, (machine - sv_util - cl_util) * 100, s.reads ? (double)s.recv_all / (double)s.reads : 0, (long long)lost, (unsigned long long)s.mismatch,
           (unsigned long long)s.unexpected, (unsigned long long)(s.conn_err + s.proto_err + s.pub_lag), (unsigned long long)s.lost_conn,
           sh->stalls ? "  STALLED" : "", why[0] ? "  : " : "", why);
    return clean ? 0 : 1;
}
