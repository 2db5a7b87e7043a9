/* pushlimit - how fast one core can push messages into N loopback TCP sockets: the bound of every fan-out.
 *
 *   pushlimit [-n sockets] [-s size] [-k messages in one call] [-d secs] [-m method] [-W rounds in flight] [-A writer core] [-B reader core]
 *
 * method: write | send | writev (a header and a body) | sendmsg | uring (a batch of sends, one io_uring_enter)
 *         | uringfix (the same with registered sockets) | uringzc (zero-copy sends) | sqpoll
 * A child process reads everything with epoll; the writer keeps at most W rounds unread. No framing, no parsing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_URING
#include <liburing.h>
#endif

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }
static void pin(int c) { if (c < 0) return; cpu_set_t s; CPU_ZERO(&s); CPU_SET((size_t)c, &s); sched_setaffinity(0, sizeof s, &s); }
static double cpu_s(struct rusage *a, struct rusage *b, int sys)
{
    struct timeval x = sys ? a->ru_stime : a->ru_utime, y = sys ? b->ru_stime : b->ru_utime;
    return (double)(y.tv_sec - x.tv_sec) + (double)(y.tv_usec - x.tv_usec) / 1e6;
}
static struct { volatile uint64_t got, reads; volatile int stop; double cpu; } *sh;

int main(int argc, char **argv)
{
    int n = 1000, size = 512, k = 1, win = 8, wa = 0, rb = 1, opt, uring_flags = 0;
    double secs = 2;
    const char *m = "send";
    while ((opt = getopt(argc, argv, "n:s:k:d:m:W:A:B:F:")) != -1) switch (opt) {
        case 'n': n = atoi(optarg); break;
        case 's': size = atoi(optarg); break;
        case 'k': k = atoi(optarg); break;
        case 'd': secs = atof(optarg); break;
        case 'm': m = optarg; break;
        case 'W': win = atoi(optarg); break;
        case 'A': wa = atoi(optarg); break;
        case 'B': rb = atoi(optarg); break;
        case 'F': uring_flags = atoi(optarg); break;
        default: return 2;
    }
    struct rlimit rl = { 2u * (rlim_t)n + 1024, 2u * (rlim_t)n + 1024 };
    struct rlimit cur;
    getrlimit(RLIMIT_NOFILE, &cur);
    if (rl.rlim_max < cur.rlim_max) rl.rlim_max = cur.rlim_max;
    if (cur.rlim_cur < rl.rlim_cur && setrlimit(RLIMIT_NOFILE, &rl)) { perror("setrlimit"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
    socklen_t al = sizeof a;
    if (bind(l, (void *)&a, al) || listen(l, 4096) || getsockname(l, (void *)&a, &al)) { perror("listen"); return 1; }
    int *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)n, sizeof *out);
    for (int i = 0; i < n; i++) {
        in[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(in[i], (void *)&a, sizeof a)) { perror("connect"); return 1; }
        out[i] = accept4(l, NULL, NULL, SOCK_NONBLOCK);
        setsockopt(out[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    pid_t kid = fork();
    if (!kid) {
        pin(rb);
        int ep = epoll_create1(0);
        char *buf = malloc(1 << 18);
        for (int i = 0; i < n; i++) { struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = in[i] }; epoll_ctl(ep, EPOLL_CTL_ADD, in[i], &e); }
        struct epoll_event e[512];
        while (!sh->stop) {
            int c = epoll_wait(ep, e, 512, 20);
            for (int i = 0; i < c; i++) {
                ssize_t r = recv(e[i].data.fd, buf, 1 << 18, MSG_DONTWAIT);
                if (r > 0) { sh->got += (uint64_t)r; sh->reads++; }
            }
        }
        struct rusage ru;
        getrusage(RUSAGE_SELF, &ru);
        sh->cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
        _exit(0);
    }
    pin(wa);
    size_t len = (size_t)size * (size_t)k;
    char *buf = malloc(len + 64);
    memset(buf, 'x', len + 64);
    struct iovec v[2] = { { buf, 4 }, { buf + 4, len - 4 } };
    struct msghdr mh = { .msg_iov = v, .msg_iovlen = 2 };
    int kind = !strcmp(m, "write") ? 0 : !strcmp(m, "send") ? 1 : !strcmp(m, "writev") ? 2 : !strcmp(m, "sendmsg") ? 3 : !strcmp(m, "uring") ? 4 : !strcmp(m, "uringfix") ? 5 : !strcmp(m, "uringzc") ? 6 : !strcmp(m, "sqpoll") ? 7 : -1;
    if (kind < 0) { fprintf(stderr, "unknown method\n"); return 2; }
#ifdef HAVE_URING
    struct io_uring r;
    const unsigned Q = 1024;
    if (kind >= 4) {
        unsigned f = kind == 7 ? IORING_SETUP_SQPOLL : uring_flags == 1 ? 0 : (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        int e = io_uring_queue_init(Q, &r, f);
        if (e) { fprintf(stderr, "io_uring: %s\n", strerror(-e)); sh->stop = 1; wait(NULL); return 1; }
        if ((kind == 5 || kind == 7) && (e = io_uring_register_files(&r, out, (unsigned)n))) { fprintf(stderr, "register: %s\n", strerror(-e)); sh->stop = 1; wait(NULL); return 1; }
    }
#else
    if (kind >= 4) { fprintf(stderr, "built without liburing\n"); return 1; }
#endif
    uint64_t bytes = 0, calls = 0, full = 0, waits = 0, rounds = 0;
    struct rusage r0, r1;
    uint64_t t0 = now_ns(), end = t0 + (uint64_t)(secs * 1e9);
    getrusage(RUSAGE_SELF, &r0);
    while (now_ns() < end) {
        while (bytes - sh->got > (uint64_t)win * len * (uint64_t)n && now_ns() < end) { waits++; usleep(20); }
        if (kind < 4) {
            for (int i = 0; i < n; i++) {
                ssize_t w = kind == 0 ? write(out[i], buf, len) : kind == 1 ? send(out[i], buf, len, MSG_NOSIGNAL) : kind == 2 ? writev(out[i], v, 2) : sendmsg(out[i], &mh, MSG_NOSIGNAL);
                calls++;
                if (w > 0) bytes += (uint64_t)w;
                else full++;
            }
        }
#ifdef HAVE_URING
        else {
            for (int i = 0; i < n;) {
                unsigned b = 0;
                for (; i < n && b < Q; i++, b++) {
                    struct io_uring_sqe *s = io_uring_get_sqe(&r);
                    if (!s) break;
                    if (kind == 6) io_uring_prep_send_zc(s, out[i], buf, len, MSG_NOSIGNAL, 0);
                    else io_uring_prep_send(s, kind == 4 ? out[i] : i, buf, len, MSG_NOSIGNAL);
                    if (kind == 5 || kind == 7) s->flags |= IOSQE_FIXED_FILE;
                }
                unsigned expect = kind == 6 ? 2 * b : b, seen = 0;
                io_uring_submit_and_wait(&r, kind == 6 ? b : b);
                calls++;
                while (seen < expect) {
                    struct io_uring_cqe *c;
                    unsigned head, got = 0;
                    io_uring_for_each_cqe(&r, head, c) {
                        got++;
                        if (kind == 6) { if (c->flags & IORING_CQE_F_NOTIF) continue; if (!(c->flags & IORING_CQE_F_MORE)) expect--; }
                        if (c->res > 0) bytes += (uint64_t)c->res; else full++;
                    }
                    io_uring_cq_advance(&r, got);
                    seen += got;
                    if (seen < expect) io_uring_submit_and_wait(&r, 1);
                }
            }
        }
#endif
        rounds++;
    }
    double wall = (double)(now_ns() - t0) / 1e9;
    getrusage(RUSAGE_SELF, &r1);
    for (int i = 0; i < 200 && sh->got < bytes; i++) usleep(5000);
    sh->stop = 1;
    int st;
    waitpid(kid, &st, 0);
    double msgs = (double)bytes / size, us = cpu_s(&r0, &r1, 0), ss = cpu_s(&r0, &r1, 1);
    printf("%-8s n=%d size=%d k=%d  %.0f msgs/s  %.1f MB/s  writer cpu %.3f us/msg (user %.3f sys %.3f, %.0f %% busy)  %.2f us/call  reader %.3f us/msg  would-block %llu  waits %llu  lost %lld\n",
           m, n, size, k, msgs / wall, (double)bytes / wall / 1e6, (us + ss) * 1e6 / msgs, us * 1e6 / msgs, ss * 1e6 / msgs, (us + ss) / wall * 100,
           (us + ss) * 1e6 / ((double)rounds * n), sh->cpu * 1e6 / msgs, (unsigned long long)full, (unsigned long long)waits, (long long)(bytes - sh->got));
    (void)calls;
    (void)uring_flags;
    return 0;
}
