"""Sets the system clock of one process, as that process sees it, while it runs.

A small library that is preloaded adds an offset to the system clock (``CLOCK_REALTIME``); the steady clock goes on, as
it does when an operator or a time server sets the clock of a machine. The offset is read from a file that is mapped
into memory, so a jump takes effect at the next look at the clock. Whoever waits until a time of that clock, as Fast DDS
does, waits no longer and no shorter: the kernel, which ends the wait, knows nothing of the offset.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from vlmrl_ros.core.errors import VlmrlError

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *offset_ns;

__attribute__((constructor)) static void map_offset(void) {
  const char *path = getenv("CLOCK_OFFSET_FILE");
  int file = path ? open(path, O_RDONLY) : -1;
  void *map = file < 0 ? MAP_FAILED : mmap(0, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) offset_ns = map;
}

int clock_gettime(clockid_t id, struct timespec *ts) {
  int result = syscall(SYS_clock_gettime, id, ts);
  if (result == 0 && offset_ns && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    long long ns = ts->tv_sec * 1000000000LL + ts->tv_nsec + *offset_ns;
    ts->tv_sec = ns / 1000000000LL;
    ts->tv_nsec = ns % 1000000000LL;
  }
  return result;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
  struct timespec ts;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &ts)) return -1;
  tv->tv_sec = ts.tv_sec;
  tv->tv_usec = ts.tv_nsec / 1000;
  return 0;
}

/* Times of the steady clock, which waits may be bound to as well, are far below those of the system clock. */
static struct timespec without_offset(const struct timespec *until) {
  struct timespec ts = *until;
  if (!offset_ns || ts.tv_sec < 1000000000L) return ts;
  long long ns = ts.tv_sec * 1000000000LL + ts.tv_nsec - *offset_ns;
  ts.tv_sec = ns / 1000000000LL;
  ts.tv_nsec = ns % 1000000000LL;
  return ts;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (!real) *(void **)&real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  struct timespec ts = without_offset(until);
  return real(cond, mutex, &ts);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*real)(pthread_mutex_t *, const struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
  struct timespec ts = without_offset(until);
  return real(mutex, &ts);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until) {
  static int (*real)(sem_t *, const struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sem_timedwait");
  struct timespec ts = without_offset(until);
  return real(sem, &ts);
}

time_t time(time_t *out) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  if (out) *out = ts.tv_sec;
  return ts.tv_sec;
}
"""


class ClockShim:
    """The preloaded library, and the offset of each process that was started with it."""

    def __init__(self, work: Path) -> None:
        """Build the library.

        Args:
            work: directory for it and for the offsets.

        Raises:
            VlmrlError: there is no C compiler, or it fails.
        """
        compiler = shutil.which("cc")
        if compiler is None:
            raise VlmrlError("setting the clock of a process needs a C compiler: there is no cc in PATH")
        self._work = work
        self._library = work / "clock.so"
        source = work / "clock.c"
        source.write_text(SOURCE, encoding="utf-8")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(source), "-ldl"]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            raise VlmrlError(f"cc could not build the clock's library: {built.stderr}")

    def environment(self, name: str) -> dict[str, str]:
        """What to add to the environment of a process; it starts with the clock as it is."""
        self.set(name, 0.0)
        return {"LD_PRELOAD": str(self._library), "CLOCK_OFFSET_FILE": str(self._file(name))}

    def set(self, name: str, offset_s: float) -> None:
        """Let the system clock of a process be off by ``offset_s`` from now on."""
        value = struct.pack("<q", round(offset_s * 1e9))
        with open(self._file(name), "r+b" if self._file(name).exists() else "wb", buffering=0) as file:
            file.write(value)

    def _file(self, name: str) -> Path:
        return self._work / f"{name}.clock"
