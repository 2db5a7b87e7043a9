/* pgfeed - what a Postgres can feed a realtime hub: writers and one listener, through libpq.
 *
 *   pgfeed --dsn "host=/run/pg port=25432 user=bench dbname=postgres" -w WRITERS -m MODE -l LISTENER -s SIZE -d SECS
 *
 * what a writer does in one transaction (one round trip, prepared):
 *   notify   select pg_notify('feed', payload)
 *   outbox   insert into outbox ... and pg_notify with the whole payload
 *   short    insert into outbox ... and pg_notify with only the id (the listener fetches the row)
 *   trigger  insert into outbox_t, whose trigger calls pg_notify
 *   stmttrig the same with a statement trigger and an empty notification (deduplicated by Postgres)
 *   insert   insert into outbox only, no notification
 *   emit     pg_logical_emit_message(true, 'feed', payload): no table
 *   row      as outbox, but the time stamp is the server's clock as the row is written (@u=, wall clock): what remains
 *            is the commit and the way to the listener
 *   publish  select hub.publish(CHANNEL, 'bench.event', payload): what a foreign program tells a hub's database (--channel;
 *            with --channels N to one of N, whose name is that with a number from 0 behind it; with --spread K to K of
 *            them; with --own every writer to channels of its own)
 * or several prepared statements sent together, one round trip and one transaction of its own:
 *   plain    insert into outbox
 *   notified the same, and pg_notify with the whole payload
 *   published  the same insert, and hub.publish
 *   flushed  the same insert, hub.publish and hub.flush without a notification, as the hub's own commands do
 *   logged   hub.publish and hub.flush without a notification, and no other row
 * how the feed is read:
 *   none | notify (LISTEN) | fetch (LISTEN, then select rows past the last id) | poll:MS (no LISTEN, select each MS ms)
 *   | slot (a temporary logical replication slot, pgoutput)
 * -b N puts N messages in one transaction; -r R paces all writers together to R transactions a second.
 * --json also says what CPU time the writers' server processes took a transaction (cpu_us; Postgres on this machine).
 * Every payload but a row's carries @t=<20-digit CLOCK_MONOTONIC nanoseconds> taken just before the transaction is sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *dsn = "dbname=postgres", *mode = "notify", *reader = "notify", *chan = "feed", *channel = "platform";
static int writers = 1, size = 500, batch = 1, poll_ms = 0, json = 0, async_commit = 0, channels = 0, spread = 1, own = 0;
static double secs = 3, rate = 0;
static volatile int stop_writers, stop_reader, ready;
static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }

#define SUBB 5
#define HN (64 << SUBB)
typedef struct { uint64_t n, max, b[HN]; } hist;
static void hadd(hist *h, uint64_t v)
{
    unsigned e = v < (1u << SUBB) ? 0 : (63u - (unsigned)__builtin_clzll(v)) - SUBB + 1;
    unsigned i = e == 0 ? (unsigned)v : (e << SUBB) + (unsigned)((v >> (e - 1)) & ((1u << SUBB) - 1));
    h->b[i]++; h->n++; if (v > h->max) h->max = v;
}
static double hq(hist *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
    for (unsigned i = 0; i < HN; i++) { seen += h->b[i]; if (seen > want) { unsigned e = i >> SUBB; return (double)(e == 0 ? i : ((uint64_t)(i & ((1u << SUBB) - 1)) | (1u << SUBB)) << (e - 1)) / 1e3; } }
    return (double)h->max / 1e3;
}
static void die(PGconn *c, const char *what) { fprintf(stderr, "pgfeed: %s: %s", what, c ? PQerrorMessage(c) : "\n"); exit(1); }
static PGconn *dial(const char *extra)
{
    char s[1024];
    snprintf(s, sizeof s, "%s %s", dsn, extra);
    PGconn *c = PQconnectdb(s);
    if (PQstatus(c) != CONNECTION_OK) die(c, "connect");
    return c;
}
static void run(PGconn *c, const char *q)
{
    PGresult *r = PQexec(c, q);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) die(c, q);
    PQclear(r);
}
typedef struct { pthread_t t; int id; uint64_t n, cpu_ns; hist h; } wr;
static uint64_t t_begin;

/* what a process has used of CPU, by the scheduler's own nanoseconds; 0 when it cannot be seen from here */
static uint64_t cpu_of(int process)
{
    char path[64];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", process);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%llu", &ns) != 1) ns = 0;
    if (f) fclose(f);
    return ns;
}

/* the statements of the modes that send several together; a publication's second parameter is its channels */
#define STEPS 3
static int steps_of(const char *step[STEPS])
{
    static char told[100];
    const char *row = "insert into outbox(payload) values ($1)", *publish = spread > 1
        ? "select hub.publish($2::text[], 'bench.event', $1::jsonb)" : "select hub.publish($2, 'bench.event', $1::jsonb)";
    int n = 0;
    if (!strcmp(mode, "publish")) { step[n++] = publish; return n; }
    if (strcmp(mode, "logged")) step[n++] = row;
    if (!strcmp(mode, "notified")) { snprintf(told, sizeof told, "select pg_notify('%s', $1)", chan); step[n++] = told; }
    else if (strcmp(mode, "plain")) step[n++] = publish;
    if (!strcmp(mode, "flushed") || !strcmp(mode, "logged")) step[n++] = "select * from hub.flush()";
    return n;
}
static bool together(void)
{
    static const char *modes[] = { "plain", "notified", "published", "flushed", "logged" };
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) if (!strcmp(mode, modes[i])) return true;
    return false;
}
static bool publishes(void) { return !strcmp(mode, "publish") || !strcmp(mode, "published") || !strcmp(mode, "flushed") || !strcmp(mode, "logged"); }

/* to which channels a transaction publishes: a name, or an array of names */
static void choose(wr *w, unsigned *seed, char *out, size_t cap)
{
    int n = own ? spread : channels, from = own ? w->id * spread : n > spread ? (int)(rand_r(seed) % (unsigned)n) : 0;
    if (!n) { snprintf(out, cap, "%s", channel); return; }
    size_t k = 0;
    if (spread > 1) out[k++] = '{';
    for (int i = 0; i < spread && k + 160 < cap; i++)
        k += (size_t)snprintf(out + k, cap - k, "%s%s%d", i ? "," : "", channel, own ? from + i : (from + i) % n);
    if (spread > 1) out[k++] = '}';
    out[k] = 0;
}

/* runs prepared statements in one round trip and, unless there is a BEGIN, in one transaction */
static void run_together(PGconn *c, int n, const char *const *parameters, const int *counts)
{
    char name[16];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "s%d", i);
        if (!PQsendQueryPrepared(c, name, counts[i], parameters, NULL, NULL, 0)) die(c, "send");
    }
    if (!PQpipelineSync(c)) die(c, "sync");
    for (int done = 0; !done;) {
        PGresult *r = PQgetResult(c);
        if (!r) continue;
        ExecStatusType st = PQresultStatus(r);
        done = st == PGRES_PIPELINE_SYNC;
        if (!done && st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK) die(c, "write");
        PQclear(r);
    }
}

static void *writer(void *arg)
{
    wr *w = arg;
    PGconn *c = dial("");
    if (async_commit) run(c, "set synchronous_commit=off");
    char q[512];
    if (!strcmp(mode, "notify")) snprintf(q, sizeof q, "select pg_notify('%s', $1)", chan);
    else if (!strcmp(mode, "outbox")) snprintf(q, sizeof q, "with i as (insert into outbox(payload) values ($1) returning id) select pg_notify('%s', $1) from i", chan);
    else if (!strcmp(mode, "short")) snprintf(q, sizeof q, "with i as (insert into outbox(payload) values ($1) returning id) select pg_notify('%s', id::text) from i", chan);
    else if (!strcmp(mode, "trigger")) snprintf(q, sizeof q, "insert into outbox_t(payload) values ($1)");
    else if (!strcmp(mode, "stmttrig")) snprintf(q, sizeof q, "insert into outbox_s(payload) values ($1)");
    else if (!strcmp(mode, "insert")) snprintf(q, sizeof q, "insert into outbox(payload) values ($1)");
    else if (!strcmp(mode, "emit")) snprintf(q, sizeof q, "select pg_logical_emit_message(true, '%s', $1)", chan);
    else if (!strcmp(mode, "row")) snprintf(q, sizeof q, "with i as (insert into outbox(payload) values ($1) returning clock_timestamp() as at) "
        "select pg_notify('%s', '@u=' || lpad((extract(epoch from at) * 1000000)::bigint::text, 20, '0') || $1) from i", chan);
    else if (!together() && !publishes()) die(NULL, "unknown mode");
    if (!strcmp(mode, "flushed") || !strcmp(mode, "logged")) run(c, "set hub.notify = off");
    Oid ty[2] = { 25, 25 };
    if (spread > 1) ty[1] = 0;
    const char *step[STEPS] = { q };
    int steps = together() || publishes() ? steps_of(step) : 1, counts[STEPS];
    PGresult *r;
    for (int i = 0; i < steps; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        counts[i] = strstr(step[i], "$2") ? 2 : strstr(step[i], "$1") ? 1 : 0;
        r = PQprepare(c, name, step[i], counts[i], ty);
        if (PQresultStatus(r) != PGRES_COMMAND_OK) die(c, "prepare");
        PQclear(r);
    }
    if (together() && !PQenterPipelineMode(c)) die(c, "pipeline");
    char *p = malloc((size_t)size + 128), *to = malloc(16384);
    unsigned seed = (unsigned)w->id * 7919 + 1;
    double gap = rate > 0 ? 1e9 * writers / rate : 0;
    __sync_fetch_and_add(&ready, 1);
    while (!t_begin) usleep(200);
    double due = (double)t_begin + gap * w->id / writers;
    w->cpu_ns = cpu_of(PQbackendPID(c));
    while (!stop_writers) {
        if (gap > 0) {
            int64_t left = (int64_t)(due - (double)now_ns());
            if (left > 0) { struct timespec ts = { left / 1000000000, left % 1000000000 }; nanosleep(&ts, NULL); if (stop_writers) break; }
            due += gap;
        }
        uint64_t t0 = now_ns();
        if (batch > 1) run(c, "begin");
        for (int b = 0; b < batch; b++) {
            int k = sprintf(p, "{\"w\":%d,\"n\":%llu,\"t\":\"@t=%020llu\",\"pad\":\"", w->id, (unsigned long long)w->n, (unsigned long long)t0);
            while (k < size - 2) { p[k] = (char)('a' + k % 26); k++; }
            p[k++] = '"'; p[k++] = '}'; p[k] = 0;
            choose(w, &seed, to, 16384);
            const char *v[2] = { p, to };
            if (together()) { run_together(c, steps, v, counts); w->n++; continue; }
            r = PQexecPrepared(c, "s0", counts[0], v, NULL, NULL, 0);
            ExecStatusType st = PQresultStatus(r);
            if (st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK) die(c, "write");
            PQclear(r);
            w->n++;
        }
        if (batch > 1) run(c, "commit");
        hadd(&w->h, now_ns() - t0);
    }
    w->cpu_ns = cpu_of(PQbackendPID(c)) - w->cpu_ns;
    PQfinish(c);
    return NULL;
}

static hist H;
static volatile uint64_t seen, wakes;
static uint64_t cpu_reader;
static void stamp(const char *p, size_t n)
{
    bool row = !strcmp(mode, "row");
    const char *h = memmem(p, n, row ? "@u=" : "@t=", 3);
    seen++;
    if (!h || h + 23 > p + n) return;
    uint64_t t = 0, now = now_ns();
    for (int i = 3; i < 23; i++) t = t * 10 + (uint64_t)(h[i] - '0');
    if (row) {
        struct timespec w;
        clock_gettime(CLOCK_REALTIME, &w);
        now = (uint64_t)w.tv_sec * 1000000000ull + (uint64_t)w.tv_nsec;
        t *= 1000;
    }
    if (t <= now) hadd(&H, now - t);
}
static uint64_t last_id, gap_rows;
static void fetch(PGconn *c)
{
    for (;;) {
        char id[32];
        snprintf(id, sizeof id, "%llu", (unsigned long long)last_id);
        const char *v[1] = { id };
        PGresult *r = PQexecPrepared(c, "f", 1, v, NULL, NULL, 0);
        if (PQresultStatus(r) != PGRES_TUPLES_OK) die(c, "fetch");
        int n = PQntuples(r);
        for (int i = 0; i < n; i++) {
            uint64_t id = strtoull(PQgetvalue(r, i, 0), NULL, 10);
            if (id != last_id + 1) gap_rows++;
            last_id = id;
            stamp(PQgetvalue(r, i, 1), (size_t)PQgetlength(r, i, 1));
        }
        PQclear(r);
        if (n < 1000) return;
    }
}
static void *listener(void *arg)
{
    (void)arg;
    if (!strcmp(reader, "slot")) {
        PGconn *c = dial("replication=database");
        PGresult *r = PQexec(c, "CREATE_REPLICATION_SLOT pgfeed TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT");
        if (PQresultStatus(r) != PGRES_TUPLES_OK) die(c, "slot");
        PQclear(r);
        r = PQexec(c, "START_REPLICATION SLOT pgfeed LOGICAL 0/0 (proto_version '1', publication_names 'pgfeed', messages 'true')");
        if (PQresultStatus(r) != PGRES_COPY_BOTH) die(c, "start replication");
        PQclear(r);
        __sync_fetch_and_add(&ready, 1);
        uint64_t lsn = 0, told = now_ns();
        while (!stop_reader) {
            char *b;
            int n = PQgetCopyData(c, &b, 1);
            if (n > 0) {
                if (b[0] == 'w' && n > 25) {
                    lsn = 0;
                    for (int i = 0; i < 8; i++) lsn = lsn << 8 | (uint8_t)b[9 + i];
                    if (b[25] == 'I' || b[25] == 'M') stamp(b + 25, (size_t)n - 25);
                }
                PQfreemem(b);
            } else if (n == 0) {
                if (now_ns() - told > 200000000ull) {
                    char s[34] = { 'r' };
                    for (int k = 0; k < 3; k++) for (int i = 0; i < 8; i++) s[1 + 8 * k + i] = (char)(lsn >> (56 - 8 * i));
                    PQputCopyData(c, s, 34);
                    PQflush(c);
                    told = now_ns();
                }
                struct pollfd f = { PQsocket(c), POLLIN, 0 };
                poll(&f, 1, 20);
                wakes++;
                PQconsumeInput(c);
            } else die(c, "replication stream");
        }
        PQfinish(c);
        return NULL;
    }
    PGconn *c = dial("");
    int fetching = !strcmp(reader, "fetch") || poll_ms;
    if (fetching) {
        const char *t = !strcmp(mode, "trigger") ? "outbox_t" : !strcmp(mode, "stmttrig") ? "outbox_s" : "outbox";
        char q[200];
        snprintf(q, sizeof q, "select coalesce(max(id),0) from %s", t);
        PGresult *r = PQexec(c, q);
        if (PQresultStatus(r) != PGRES_TUPLES_OK) die(c, q);
        last_id = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
        PQclear(r);
        snprintf(q, sizeof q, "select id, payload from %s where id > $1 order by id limit 1000", t);
        Oid ty[1] = { 20 };
        r = PQprepare(c, "f", q, 1, ty);
        if (PQresultStatus(r) != PGRES_COMMAND_OK) die(c, "prepare");
        PQclear(r);
    }
    if (!poll_ms) { char q[100]; snprintf(q, sizeof q, "listen %s", chan); run(c, q); }
    __sync_fetch_and_add(&ready, 1);
    while (!stop_reader) {
        if (poll_ms) { usleep((useconds_t)poll_ms * 1000); wakes++; fetch(c); continue; }
        struct pollfd f = { PQsocket(c), POLLIN, 0 };
        if (poll(&f, 1, 20) <= 0) continue;
        wakes++;
        if (!PQconsumeInput(c)) die(c, "listener");
        int any = 0;
        for (PGnotify *nt; (nt = PQnotifies(c));) { any++; if (!fetching) stamp(nt->extra, strlen(nt->extra)); PQfreemem(nt); }
        if (any && fetching) fetch(c);
    }
    if (fetching) fetch(c);
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    cpu_reader = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
    PQfinish(c);
    return NULL;
}

/* the tables of every mode but publish and logged, which leave a hub's database as it is */
static void make_tables(PGconn *c)
{
    run(c, "create table if not exists outbox(id bigserial primary key, payload text not null, at timestamptz not null default now())");
    run(c, "create table if not exists outbox_t(id bigserial primary key, payload text not null, at timestamptz not null default now())");
    run(c, "create table if not exists outbox_s(id bigserial primary key, payload text not null, at timestamptz not null default now())");
    run(c, "create or replace function outbox_t_notify() returns trigger language plpgsql as $$ begin perform pg_notify('feed', new.payload); return null; end $$");
    run(c, "create or replace function outbox_s_notify() returns trigger language plpgsql as $$ begin perform pg_notify('feed', ''); return null; end $$");
    run(c, "drop trigger if exists t on outbox_t");
    run(c, "create trigger t after insert on outbox_t for each row execute function outbox_t_notify()");
    run(c, "drop trigger if exists t on outbox_s");
    run(c, "create trigger t after insert on outbox_s for each statement execute function outbox_s_notify()");
    run(c, "truncate outbox, outbox_t, outbox_s restart identity");
}
int main(int argc, char **argv)
{
    static const struct option lo[] = { { "dsn", 1, 0, 1 }, { "json", 0, 0, 2 }, { "async-commit", 0, 0, 3 }, { "channel", 1, 0, 4 }, { "channels", 1, 0, 5 },
        { "spread", 1, 0, 6 }, { "own", 0, 0, 7 }, { 0 } };
    for (int k; (k = getopt_long(argc, argv, "w:m:l:s:d:b:r:c:", lo, NULL)) != -1;) switch (k) {
        case 1: dsn = optarg; break;
        case 2: json = 1; break;
        case 3: async_commit = 1; break;
        case 4: channel = optarg; break;
        case 5: channels = atoi(optarg); break;
        case 6: spread = atoi(optarg); break;
        case 7: own = 1; break;
        case 'w': writers = atoi(optarg); break;
        case 'm': mode = optarg; break;
        case 'l': reader = optarg; if (!strncmp(optarg, "poll:", 5)) poll_ms = atoi(optarg + 5); break;
        case 's': size = atoi(optarg); break;
        case 'd': secs = atof(optarg); break;
        case 'b': batch = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'c': chan = optarg; break;
        default: return 2;
    }
    if (writers < 0 || writers > 64 || size < 80 || size > 7900 || secs > 300 || batch < 1 || spread < 1 || spread > 64 ||
        (spread > 1 && !own && channels < spread) || (batch > 1 && together())) { fputs("pgfeed: an option is out of range\n", stderr); return 2; }
    if (strchr(channel, '\'')) { fputs("pgfeed: a channel has no quote in it\n", stderr); return 2; }
    PGconn *c = dial("options='-c client_min_messages=warning'");
    if (strcmp(mode, "publish") && strcmp(mode, "logged")) make_tables(c);
    if (!strcmp(reader, "slot")) { run(c, "drop publication if exists pgfeed"); run(c, "create publication pgfeed for table outbox"); }
    PQfinish(c);

    pthread_t lt;
    int listening = strcmp(reader, "none") != 0;
    if (listening) pthread_create(&lt, NULL, listener, NULL);
    wr *w = calloc((size_t)writers + 1, sizeof *w);
    for (int i = 0; i < writers; i++) { w[i].id = i; pthread_create(&w[i].t, NULL, writer, &w[i]); }
    while (ready < writers + listening) usleep(1000);
    t_begin = now_ns();
    struct timespec ts = { (time_t)secs, (long)((secs - (double)(time_t)secs) * 1e9) };
    nanosleep(&ts, NULL);
    uint64_t seen_at_end = seen;
    stop_writers = 1;
    uint64_t n = 0, cpu_ns = 0;
    hist C = { 0 };
    for (int i = 0; i < writers; i++) {
        pthread_join(w[i].t, NULL);
        n += w[i].n;
        cpu_ns += w[i].cpu_ns;
        C.n += w[i].h.n;
        if (w[i].h.max > C.max) C.max = w[i].h.max;
        for (int b = 0; b < HN; b++) C.b[b] += w[i].h.b[b];
    }
    double wall = (double)(now_ns() - t_begin) / 1e9;
    uint64_t last = seen, at = now_ns();
    while (listening && seen < n && now_ns() - at < 3000000000ull) { usleep(5000); if (seen != last) { last = seen; at = now_ns(); } }
    stop_reader = 1;
    if (listening) pthread_join(lt, NULL);
    if (json)
        printf("{\"n\":%llu,\"mode\":\"%s\",\"reader\":\"%s\",\"writers\":%d,\"batch\":%d,\"size\":%d,\"msgs_s\":%.0f,\"tx_s\":%.0f,\"commit_p50_us\":%.1f,\"commit_p99_us\":%.1f,\"cpu_us\":%.1f,\"seen_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"lost\":%lld,\"wakes\":%llu,\"id_gaps\":%llu}\n",
               (unsigned long long)n, mode, reader, writers, batch, size, (double)n / wall, (double)C.n / wall, hq(&C, .5), hq(&C, .99), C.n ? (double)cpu_ns / 1e3 / (double)C.n : 0, (double)seen_at_end / secs, hq(&H, .5), hq(&H, .99), (double)H.max / 1e3, listening ? (long long)(n - seen) : 0, (unsigned long long)wakes, (unsigned long long)gap_rows);
    else
        printf("%-8s reader %-8s w=%-2d b=%d size=%d  %.0f msgs/s  %.0f commits/s  commit p50 %.0f us p99 %.0f us | seen %.0f/s  p50 %.0f us  p99 %.0f us  max %.0f us  lost %lld  wakes %llu%s\n",
               mode, reader, writers, batch, size, (double)n / wall, (double)C.n / wall, hq(&C, .5), hq(&C, .99), (double)seen_at_end / secs, hq(&H, .5), hq(&H, .99), (double)H.max / 1e3, listening ? (long long)(n - seen) : 0, (unsigned long long)wakes, gap_rows ? "  (ids out of order or missing)" : "");
    return listening && seen != n;
}
