/* Signals, fork and exec, memory mappings, pipes and threads: prints the same on every Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t count, code;
static void *volatile address;

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  address = info->si_addr;
  code = info->si_code;
  siglongjmp(back, number);
}

static void on_tick(int number) {
  (void)number;
  count++;
}

static void catch(int number, int flags) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | flags};
  sigaction(number, &action, NULL);
}

static volatile int zero;

static int __attribute__((noinline)) deep(int n) {
  volatile char room[4096];
  room[0] = (char)n;
  return n == 0 ? room[0] : deep(n + 1) + room[0];
}

static void signals(void) {
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(page, 'x', 8192);
  mprotect(page + 4096, 4096, PROT_READ);
  catch(SIGSEGV, SA_ONSTACK);
  catch(SIGFPE, 0);
  catch(SIGILL, 0);
  catch(SIGTRAP, 0);
  catch(SIGBUS, 0);
  int got = sigsetjmp(back, 1);
  if (got == 0)
    page[4096 + 17] = 'y';
  printf("write to a read-only page: signal %d at +%ld, code %d\n", got, (long)((char *)address - page), (int)code);
  munmap(page + 4096, 4096);
  got = sigsetjmp(back, 1);
  if (got == 0)
    page[4096] = 'y';
  printf("write to no page: signal %d at +%ld, code %d\n", got, (long)((char *)address - page), (int)code);
  if ((got = sigsetjmp(back, 1)) == 0)
    __asm__ volatile("xor %%edx, %%edx; idivl %0" : : "m"(zero), "a"(1) : "edx", "cc");
  printf("division by zero: signal %d, code %d\n", got, (int)code);
  if ((got = sigsetjmp(back, 1)) == 0)
    __asm__ volatile("ud2");
  printf("ud2: signal %d\n", got);
  if ((got = sigsetjmp(back, 1)) == 0)
    __asm__ volatile("int3");
  printf("int3: signal %d\n", got);
  if ((got = sigsetjmp(back, 1)) == 0)
    __asm__ volatile("hlt");
  printf("hlt: signal %d\n", got);
  mprotect(page, 4096, PROT_READ);
  if ((got = sigsetjmp(back, 1)) == 0)
    ((void (*)(void))page)();
  printf("call of data: signal %d at +%ld\n", got, (long)((char *)address - page));

  static char other[65536];
  stack_t stack = {.ss_sp = other, .ss_size = sizeof other};
  sigaltstack(&stack, NULL);
  if ((got = sigsetjmp(back, 1)) == 0)
    zero = deep(1);
  printf("no end of the stack: signal %d\n", got);

  struct sigaction tick = {.sa_handler = on_tick};
  sigaction(SIGALRM, &tick, NULL);
  struct itimerval every = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &every, NULL);
  while (count < 5)
    pause();
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
  printf("timer: %d ticks or more\n", 5);
}

static void children(char *self) {
  fflush(stdout);
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (child == 0)
      _exit(i);
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != i)
      printf("child %d: status %x\n", i, status);
  }
  pid_t child = fork();
  if (child == 0) {
    execl(self, self, "child", "two words", NULL);
    _exit(99);
  }
  int status;
  waitpid(child, &status, 0);
  printf("exec: %d\n", WEXITSTATUS(status));
  child = fork();
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    pause();
  }
  usleep(10000);
  kill(child, SIGTERM);
  waitpid(child, &status, 0);
  printf("killed: %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
}

static void mappings(void) {
  const char *name = "/tmp/lodge-mapping";
  int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (ftruncate(file, 1 << 20) != 0)
    perror("ftruncate");
  uint32_t *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 1 << 18; i++)
      shared[i] = i * 2654435761u;
    _exit(0);
  }
  waitpid(child, NULL, 0);
  uint32_t sum = 0, word;
  for (int i = 0; i < 1 << 18; i++)
    sum = sum * 31 + shared[i];
  pread(file, &word, 4, 4 * 777) == 4 ? (void)0 : perror("pread");
  printf("shared mapping: %08x, read back %08x\n", sum, word);
  uint32_t *copy = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  copy[777] = 1;
  printf("private mapping: %08x and %08x\n", copy[777], shared[777]);
  copy = mremap(copy, 1 << 20, 2 << 20, MREMAP_MAYMOVE);
  printf("moved mapping: %08x\n", copy[777]);
  unlink(name);
}

static int64_t total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int own;

static void *work(void *argument) {
  for (int i = 0; i < 2000; i++) {
    own += 1;
    __atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&lock);
    total += (intptr_t)argument;
    pthread_mutex_unlock(&lock);
  }
  return (void *)(intptr_t)own;
}

static void threads(void) {
  pthread_t all[4];
  count = 0;
  for (intptr_t i = 0; i < 4; i++)
    pthread_create(&all[i], NULL, work, (void *)i);
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(all[i], &result);
    if ((intptr_t)result != 2000)
      printf("thread %d counted %ld\n", i, (long)(intptr_t)result);
  }
  printf("threads: %d steps, total %lld\n", (int)count, (long long)total);
}

static void pipes(void) {
  int ends[2];
  if (pipe(ends) != 0)
    perror("pipe");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    for (uint32_t i = 0; i < 100000; i++)
      if (write(ends[1], &i, 4) != 4)
        _exit(1);
    _exit(0);
  }
  close(ends[1]);
  uint32_t word, sum = 0, n = 0;
  while (read(ends[0], &word, 4) == 4) {
    sum = sum * 33 + word;
    n++;
  }
  waitpid(child, NULL, 0);
  printf("pipe: %u words, %08x\n", n, sum);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    printf("in the child: %s\n", argv[2]);
    return 7;
  }
  printf("pointers have %d bits\n", (int)sizeof(void *) * 8);
  signals();
  children(argv[0]);
  mappings();
  pipes();
  threads();
  return 0;
}
