// Linux calls that Swift's Glibc module lacks: epoll, eventfd, accept4. <sys/socket.h> is not included here: with
// _GNU_SOURCE it would declare fd_set a second time; accept4 is declared by hand for that reason.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>

extern long syscall(long number, ...);
struct sockaddr;
extern int accept4(int descriptor, struct sockaddr *restrict address, unsigned *restrict length, int flags);

/// Flags of `accept4`: non-blocking and close-on-exec (SOCK_NONBLOCK | SOCK_CLOEXEC).
static const int hub_accept_flags = 04000 | 02000000;

/// The descriptor or tag stored with an event; `epoll_data` is a union, which Swift reads only through a function.
static inline int hub_event_descriptor(const struct epoll_event *event) { return event->data.fd; }

static inline int hub_epoll_control(int epoll, int operation, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events, .data = {.fd = descriptor}};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

/// Names the calling thread as `ps -L` and profilers show it; at most 15 bytes count.
static inline void hub_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Makes standard output leave line by line also when it is no terminal; Swift may not touch the variable itself.
static inline void hub_buffer_lines(void) { setvbuf(stdout, 0, _IOLBF, 0); }

/// recv and send without being points of cancellation, which in a process with threads costs two atomic exchanges a
/// call: with small messages that shows. No thread is cancelled here.
static inline ssize_t hub_receive(int descriptor, void *buffer, size_t count) {
  return syscall(SYS_recvfrom, descriptor, buffer, count, 0, (void *)0, (void *)0);
}

static inline ssize_t hub_send(int descriptor, const void *bytes, size_t count, int flags) {
  return syscall(SYS_sendto, descriptor, bytes, count, flags, (void *)0, 0);
}
