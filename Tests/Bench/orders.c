/* orders - tills that order through a hub's API: an order is placed, then confirmed, at a steady rate.
 *
 *   orders -p PORT --token TOKEN --body JSON [-c connections] [-r orders a second] [-d seconds]
 *
 * Each connection is a thread with one keep-alive HTTP connection and a schedule of its own: order n is due at its
 * time whether the one before it was quick or slow, so that a slow hub is not asked less. Every command carries a
 * fresh Idempotency-Key, as a till's does. One line of JSON tells what was done and how long a command took, from
 * its sending to the last byte of its answer, which is after its COMMIT. Loopback only; the exit status is 0 only
 * when every order was placed and confirmed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port, conns = 8;
static double rate = 200, secs = 5;
static const char *token = "", *body = "{}";
static uint64_t t_begin, t_end, run_id;
static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }

typedef struct {
    pthread_t thread;
    int id, fd;
    uint64_t placed, confirmed, failed, late, keys, n_took[2], room[2];
    uint32_t *took[2];                                  /* microseconds of each command: placing, confirming */
    char why[200], path[160], in[64 * 1024];
} till;

static int dial(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(0x7f000001) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct timeval limit = { 10, 0 };
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (void *)&a, sizeof a)) { perror("orders: connect"); exit(1); }
    return fd;
}

/* one command; true when the answer is 2xx; the path of a Location header is left in t->path */
static int command(till *t, int kind, const char *path, const char *json)
{
    char out[16 * 1024];
    int n = snprintf(out, sizeof out,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: %016llx-%d-%llu\r\nContent-Length: %zu\r\n\r\n%s",
        path, port, token, (unsigned long long)run_id, t->id, (unsigned long long)t->keys++, strlen(json), json);
    if (n <= 0 || (size_t)n >= sizeof out) { snprintf(t->why, sizeof t->why, "the request is too long"); return 0; }
    uint64_t t0 = now_ns();
    if (send(t->fd, out, (size_t)n, MSG_NOSIGNAL) != n) { snprintf(t->why, sizeof t->why, "send: %s", strerror(errno)); return 0; }
    size_t have = 0, whole = 0;
    while (!whole || have < whole) {
        ssize_t k = recv(t->fd, t->in + have, sizeof t->in - 1 - have, 0);
        if (k <= 0) { snprintf(t->why, sizeof t->why, "the connection ended: %s", k ? strerror(errno) : "end of stream"); return 0; }
        have += (size_t)k;
        t->in[have] = 0;
        char *end = whole ? NULL : strstr(t->in, "\r\n\r\n");
        if (!end) continue;
        char *length = strcasestr(t->in, "\r\nContent-Length:");
        whole = (size_t)(end - t->in) + 4 + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
        if (whole >= sizeof t->in) { snprintf(t->why, sizeof t->why, "the answer is too long"); return 0; }
    }
    if (t->n_took[kind] == t->room[kind]) {
        t->room[kind] = t->room[kind] ? t->room[kind] * 2 : 1024;
        t->took[kind] = realloc(t->took[kind], t->room[kind] * sizeof *t->took[kind]);
    }
    t->took[kind][t->n_took[kind]++] = (uint32_t)((now_ns() - t0) / 1000);
    if (strncmp(t->in, "HTTP/1.1 2", 10)) {
        char *b = strstr(t->in, "\r\n\r\n");
        snprintf(t->why, sizeof t->why, "%.20s %.150s", t->in + 9, b ? b + 4 : "");
        for (char *c = t->why; *c; c++) if (*c == '"' || *c == '\\' || *c < ' ') *c = '\'';
        return 0;
    }
    char *place = strcasestr(t->in, "\r\nLocation:");
    if (place) sscanf(place + 11, " %127[^\r\n]", t->path);
    return 1;
}

static void *run(void *arg)
{
    till *t = arg;
    t->fd = dial();
    double gap = 1e9 * conns / rate, due = (double)t_begin + gap * t->id / conns;
    for (; due < (double)t_end; due += gap) {
        int64_t left = (int64_t)(due - (double)now_ns());
        if (left > 0) { struct timespec ts = { left / 1000000000, left % 1000000000 }; nanosleep(&ts, NULL); }
        else if (left < -(int64_t)gap) t->late++;
        if (now_ns() > t_end + 2000000000ull) break;    /* hopelessly behind: say so by the counts */
        t->path[0] = 0;
        if (!command(t, 0, "/api/v1/orders", body) || !t->path[0]) { t->failed++; break; }
        t->placed++;
        strcat(t->path, "/confirm");
        if (!command(t, 1, t->path, "{}")) { t->failed++; break; }
        t->confirmed++;
    }
    close(t->fd);
    return NULL;
}

static int ascending(const void *a, const void *b) { uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b; return (x > y) - (x < y); }

int main(int argc, char **argv)
{
    static const struct option lo[] = { { "token", 1, 0, 1 }, { "body", 1, 0, 2 }, { 0 } };
    for (int k; (k = getopt_long(argc, argv, "p:c:r:d:", lo, NULL)) != -1;) switch (k) {
        case 'p': port = atoi(optarg); break;
        case 'c': conns = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'd': secs = atof(optarg); break;
        case 1: token = optarg; break;
        case 2: body = optarg; break;
        default: return 2;
    }
    if (port < 1 || port > 65535 || conns < 1 || conns > 64 || rate <= 0 || secs <= 0 || secs > 300 || strlen(body) > 8000 || strlen(token) > 4000) {
        fputs("orders: an option is missing or out of range\n", stderr);
        return 2;
    }
    run_id = now_ns() ^ (uint64_t)getpid() << 40;
    t_begin = now_ns() + 20000000ull;
    t_end = t_begin + (uint64_t)(secs * 1e9);
    till *tills = calloc((size_t)conns, sizeof *tills);
    for (int i = 0; i < conns; i++) { tills[i].id = i; pthread_create(&tills[i].thread, NULL, run, &tills[i]); }
    uint64_t placed = 0, confirmed = 0, failed = 0, late = 0, n[2] = { 0, 0 };
    const char *why = "";
    for (int i = 0; i < conns; i++) {
        pthread_join(tills[i].thread, NULL);
        placed += tills[i].placed;
        confirmed += tills[i].confirmed;
        failed += tills[i].failed;
        late += tills[i].late;
        for (int k = 0; k < 2; k++) n[k] += tills[i].n_took[k];
        if (tills[i].why[0]) why = tills[i].why;
    }
    double wall = (double)(now_ns() - t_begin) / 1e9;
    printf("{\"placed\":%llu,\"confirmed\":%llu,\"failed\":%llu,\"late\":%llu,\"rate\":%.1f", (unsigned long long)placed,
           (unsigned long long)confirmed, (unsigned long long)failed, (unsigned long long)late, (double)confirmed / wall);
    for (int k = 0; k < 2; k++) {
        uint32_t *all = malloc((n[k] + 1) * sizeof *all);
        uint64_t m = 0;
        for (int i = 0; i < conns; i++) for (uint64_t j = 0; j < tills[i].n_took[k]; j++) all[m++] = tills[i].took[k][j];
        qsort(all, m, sizeof *all, ascending);
        printf(",\"%s_p50_us\":%u,\"%s_p99_us\":%u", k ? "confirm" : "place", m ? all[m / 2] : 0, k ? "confirm" : "place", m ? all[m * 99 / 100] : 0);
    }
    printf(",\"why\":\"%s\"}\n", why);
    return failed || !confirmed || placed != confirmed;
}
