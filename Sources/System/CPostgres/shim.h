// libpq: the reference client, used non-blocking and in pipeline mode. The field codes of an error are character
// macros, which Swift does not import.
#pragma once
#include <libpq-fe.h>

static const int hub_field_severity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int hub_field_sqlstate = PG_DIAG_SQLSTATE;
static const int hub_field_message = PG_DIAG_MESSAGE_PRIMARY;
static const int hub_field_detail = PG_DIAG_MESSAGE_DETAIL;
static const int hub_field_hint = PG_DIAG_MESSAGE_HINT;
static const int hub_field_constraint = PG_DIAG_CONSTRAINT_NAME;
static const int hub_field_table = PG_DIAG_TABLE_NAME;
static const int hub_field_column = PG_DIAG_COLUMN_NAME;

// Starting a server of our own. Swift has no fork, and posix_spawn cannot change the user.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/// Runs a program as another user and group, in its own session, with `output` as its standard output and error and
/// nothing else open. Answers with its process id, or with the negative errno of what failed. Between fork and exec
/// only system calls are made, since other threads may hold any lock at that moment.
static inline pid_t hub_launch(
    const char *path, char *const arguments[], char *const environment[], const char *directory, int output,
    int change_user, unsigned user, unsigned group) {
  int report[2];
  if (pipe(report) != 0) return -errno;
  fcntl(report[0], F_SETFD, FD_CLOEXEC);
  fcntl(report[1], F_SETFD, FD_CLOEXEC);
  pid_t child = fork();
  if (child < 0) {
    int code = errno;
    close(report[0]);
    close(report[1]);
    return -code;
  }
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, 0);
    setsid();
    umask(077);
    int input = open("/dev/null", O_RDONLY);
    // CLOSE_RANGE_CLOEXEC: what the program does not need is closed by exec.
    syscall(SYS_close_range, 3u, ~0u, 4u);
    if (input >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
        (!change_user || (syscall(SYS_setgroups, 0, (void *)0) == 0 && syscall(SYS_setgid, group) == 0 &&
                          syscall(SYS_setuid, user) == 0)) &&
        chdir(directory) == 0)
      execve(path, arguments, environment);
    int code = errno;
    (void)!write(report[1], &code, sizeof code);
    _exit(127);
  }
  close(report[1]);
  int code = 0;
  ssize_t count;
  do count = read(report[0], &code, sizeof code);
  while (count < 0 && errno == EINTR);
  close(report[0]);
  return count == sizeof code ? -code : child;
}

/// A descriptor that is readable once the process has ended; -1 where the kernel has none (before 5.3).
static inline int hub_open_process(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
