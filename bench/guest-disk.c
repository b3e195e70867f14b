/*
 * The first process of the guest whose disk is measured. Loads all modules that the initramfs has in /lib/modules, waits for a
 * disk and drives it past the page cache, with several requests in flight:
 *   guest-disk SECONDS
 * A line for each test says what the disk did: DISK NAME UNIT VALUE, MB/s or requests/s, the best of ROUNDS rounds. The disk
 * loses what it holds. Then the guest powers off.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEEPEST = 32, ROUNDS = 3, LARGE = 256 << 10, SMALL = 4096, INIT_COMPRESSED_FILE = 4 };

struct test {
  const char *name;
  int write, random, depth, size;
};

static const struct test tests[] = {
    {"seq-write", 1, 0, 8, LARGE},    {"seq-read", 0, 0, 8, LARGE},     {"rand-read-1", 0, 1, 1, SMALL},
    {"rand-read-32", 0, 1, 32, SMALL}, {"rand-write-1", 1, 1, 1, SMALL}, {"rand-write-32", 1, 1, 32, SMALL},
};

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* Until nothing more can be loaded: a module that needs another one fails until that is there. */
static void load_modules(void) {
  for (int loaded = 1; loaded;) {
    loaded = 0;
    DIR *folder = opendir("/lib/modules");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
      char path[512];
      snprintf(path, sizeof path, "/lib/modules/%s", entry->d_name);
      size_t length = strlen(path);
      int compressed = length > 3 && strcmp(path + length - 3, ".xz") == 0;
      int file = open(path, O_RDONLY | O_CLOEXEC);
      loaded |= file >= 0 && syscall(SYS_finit_module, file, "", compressed ? INIT_COMPRESSED_FILE : 0) == 0;
      close(file);
    }
    if (folder) {
      closedir(folder);
    }
  }
}

static int open_disk(void) {
  static const char *const names[] = {"/dev/vda", "/dev/sda"};
  for (double end = now() + 20; now() < end; usleep(20000)) {
    for (int i = 0; i < 2; i++) {
      int disk = open(names[i], O_RDWR | O_DIRECT);
      if (disk >= 0) {
        return disk;
      }
    }
  }
  return -1;
}

/* Requests a second. */
static double run(int disk, const struct test *test, uint64_t blocks, char *memory, double seconds) {
  aio_context_t context = 0;
  struct iocb requests[DEEPEST] = {0};
  uint64_t at = 0, done = 0;
  if (syscall(SYS_io_setup, DEEPEST, &context) != 0) {
    return 0;
  }
  double start = now(), end = start + seconds, last = start;
  int flying = 0;
  for (int i = 0; i < test->depth; i++) {
    requests[i].aio_data = i;
  }
  struct io_event events[DEEPEST];
  int ready = test->depth;
  for (int i = 0; i < ready; i++) {
    events[i].data = i;
  }
  for (;;) {
    struct iocb *list[DEEPEST];
    int count = 0;
    for (int i = 0; i < ready && last < end; i++) {
      struct iocb *request = &requests[events[i].data];
      request->aio_fildes = disk;
      request->aio_lio_opcode = test->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
      request->aio_buf = (uint64_t)(uintptr_t)(memory + events[i].data * (uint64_t)LARGE);
      request->aio_nbytes = test->size;
      request->aio_offset = (test->random ? next_random() % blocks : at++ % blocks) * test->size;
      list[count++] = request;
    }
    if (count > 0 && syscall(SYS_io_submit, context, count, list) != count) {
      break;
    }
    flying += count;
    if (flying == 0) {
      break;
    }
    ready = syscall(SYS_io_getevents, context, 1, DEEPEST, events, 0);
    if (ready <= 0) {
      break;
    }
    for (int i = 0; i < ready; i++) {
      if (events[i].res != test->size) {
        printf("DISK %s failed with %lld\n", test->name, (long long)events[i].res);
        return 0;
      }
    }
    flying -= ready;
    done += ready;
    last = now();
  }
  syscall(SYS_io_destroy, context);
  return done / (last - start);
}

static void measure(double seconds) {
  int disk = open_disk();
  uint64_t size = 0;
  if (disk < 0 || ioctl(disk, BLKGETSIZE64, &size) != 0 || size < LARGE) {
    printf("DISK none: %s\n", strerror(errno));
    return;
  }
  char *memory = aligned_alloc(4096, DEEPEST * (size_t)LARGE);
  memset(memory, 0x5A, DEEPEST * (size_t)LARGE);
  for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
    const struct test *test = &tests[i];
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
      double rate = run(disk, test, size / test->size, memory, seconds);
      best = rate > best ? rate : best;
    }
    if (test->random) {
      printf("DISK %s requests/s %.0f\n", test->name, best);
    } else {
      printf("DISK %s MB/s %.1f\n", test->name, best * test->size / 1e6);
    }
    fflush(stdout);
  }
}

int main(int count, char **words) {
  mkdir("/dev", 0755);
  mount("dev", "/dev", "devtmpfs", 0, "");
  load_modules();
  measure(count > 1 ? atof(words[count - 1]) : 2);
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
