/*
 * Loaded with LD_PRELOAD. It makes fsync and fdatasync of all threads behave as on a slower disk, or as on a broken one:
 *
 *   SLOW_SYNC_MS    each call takes so many milliseconds longer; fractions are allowed
 *   FAIL_SYNC_FILE  while a file of this name exists, each call fails at once with EIO
 *   SLOW_SYNC_LOG   each call appends a line of JSON to this file: when it began (milliseconds of the monotonic clock),
 *                   how long it took, its result, and whether it held up the main thread
 *
 * sync_file_range stays as it is, because it makes nothing durable.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static sync_function real_fsync, real_fdatasync;
static struct timespec delay;
static char *fail_file;
static int log_descriptor = -1;

/* A copy, because the program may change its environment. NULL if the variable is unset or empty. */
static char *setting(const char *name) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? NULL : strdup(value);
}

__attribute__((constructor)) static void prepare(void) {
  real_fsync = (sync_function)dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
  fail_file = setting("FAIL_SYNC_FILE");

  char *milliseconds = setting("SLOW_SYNC_MS");
  if (milliseconds != NULL) {
    double seconds = strtod(milliseconds, NULL) / 1000;
    delay.tv_sec = (time_t)seconds;
    delay.tv_nsec = (long)((seconds - (double)delay.tv_sec) * 1e9);
    free(milliseconds);
  }

  char *log_file = setting("SLOW_SYNC_LOG");
  if (log_file != NULL) {
    log_descriptor = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    free(log_file);
  }
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int slow_or_failing(sync_function sync, int descriptor) {
  if (fail_file != NULL && access(fail_file, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  int result = sync(descriptor);
  int error = errno;
  struct timespec left = delay;
  while ((left.tv_sec > 0 || left.tv_nsec > 0) && nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
  errno = error;
  return result;
}

static int logged(const char *name, sync_function sync, int descriptor) {
  if (log_descriptor == -1) return slow_or_failing(sync, descriptor);
  double began_ms = now_ms();
  int result = slow_or_failing(sync, descriptor);
  int error = errno;
  char line[256];
  int length = snprintf(
    line, sizeof line, "{\"call\":\"%s\",\"beganMs\":%.3f,\"tookMs\":%.3f,\"result\":%d,\"isMainThread\":%s}\n", name,
    began_ms, now_ms() - began_ms, result, syscall(SYS_gettid) == getpid() ? "true" : "false");
  /* A line that cannot be written is missing from the log; the program must not notice it. */
  ssize_t written = write(log_descriptor, line, (size_t)length);
  (void)written;
  errno = error;
  return result;
}

int fsync(int descriptor) { return logged("fsync", real_fsync, descriptor); }

int fdatasync(int descriptor) { return logged("fdatasync", real_fdatasync, descriptor); }
