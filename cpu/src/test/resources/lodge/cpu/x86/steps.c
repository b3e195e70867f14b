/*
 * Runs code natively under a tracer and tells where debug exceptions stop it.
 *
 * Reads lines "TF DR7 DR0 DR1 DR2 DR3 CODE" of hexadecimal numbers, CODE as bytes. The code runs at
 * CODE_AT with RDI and RSI at DATA_AT, RCX = 3 and a stack; UD2 behind it ends it. Writes a line of
 * "RIP,DR6,RF" triples for each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE_AT 0x200000ul
#define DATA_AT 0x400000ul
#define STACK_AT 0x600000ul
#define MAX_STOPS 64

static void map(unsigned long at) {
  if (mmap((void *) at, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC,
          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    _exit(3);
  }
}

static int set_debug(pid_t child, int i, unsigned long value) {
  size_t at = offsetof(struct user, u_debugreg) + i * sizeof(long);
  return ptrace(PTRACE_POKEUSER, child, at, value) == -1;
}

static int run(unsigned long tf, const unsigned long *dr, const unsigned char *code, int length) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    map(CODE_AT);
    map(DATA_AT);
    map(STACK_AT);
    memcpy((void *) CODE_AT, code, length);
    memcpy((void *) (CODE_AT + length), "\x0F\x0B", 2);
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) {
    return 1;
  }
  struct user_regs_struct regs;
  ptrace(PTRACE_GETREGS, child, 0, &regs);
  regs.rip = CODE_AT;
  regs.rdi = regs.rsi = DATA_AT;
  regs.rcx = 3;
  regs.rax = regs.rbx = regs.rdx = 0;
  regs.orig_rax = -1;
  regs.rsp = STACK_AT + 0x1000;
  regs.eflags = 2 | (tf ? 0x100 : 0);
  int bad = ptrace(PTRACE_SETREGS, child, 0, &regs) == -1;
  for (int i = 0; i < 4; i++) {
    bad |= set_debug(child, i, dr[i]);
  }
  bad |= set_debug(child, 7, dr[4]);
  for (int stops = 0; !bad && stops < MAX_STOPS; stops++) {
    set_debug(child, 6, 0);
    if (ptrace(PTRACE_CONT, child, 0, 0) == -1 || waitpid(child, &status, 0) < 0) {
      bad = 1;
      break;
    }
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
      break;
    }
    ptrace(PTRACE_GETREGS, child, 0, &regs);
    long dr6 = ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg) + 6 * sizeof(long), 0);
    printf("%lx,%lx,%d ", (unsigned long) regs.rip, dr6 & 0xE00F, (int) (regs.eflags >> 16 & 1));
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return bad;
}

int main(void) {
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    unsigned long n[6];
    int used;
    if (sscanf(line, "%lx %lx %lx %lx %lx %lx %n", n, n + 1, n + 2, n + 3, n + 4, n + 5, &used) != 6) {
      return 2;
    }
    unsigned char code[1024];
    int length = 0;
    unsigned int byte;
    int step;
    for (char *p = line + used; sscanf(p, "%2x %n", &byte, &step) == 1; p += step) {
      code[length++] = byte;
    }
    unsigned long dr[5] = {n[2], n[3], n[4], n[5], n[1]};
    if (run(n[0], dr, code, length)) {
      printf("refused");
    }
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
