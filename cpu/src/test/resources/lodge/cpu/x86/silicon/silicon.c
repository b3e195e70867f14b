/*
 * Runs code on the machine's own processor with a given register state and reports the state afterwards.
 *
 * There is no trampoline: each case ends with an exception (the code is followed by INT3 bytes), the kernel saves
 * every register in a signal frame, and the signal handler is the server: it reports the frame, overwrites it with the
 * state of the next case and returns from the signal, which loads all of it at once, segments and vector registers
 * included. The handler therefore must not rely on anything that cases change: it uses no thread-local storage (a case
 * may change FS), clears AC first, and talks to the parent with plain system calls.
 *
 * stdin: a 32-bit count and that many struct request; stdout: the same count of struct response, each followed by its
 * changed memory words. All little-endian. End of input ends the process.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
  PAGE = 4096,
  SCRATCH_PAGES = 2,
  CODE_PAGES = 2,
  MAX_CODE = 64,
  MAX_POKES = 4,
  MAX_BATCH = 1024,
  VECTOR_TIMEOUT = 254,
  USER_CS = 0x33,
  USER32_CS = 0x23,
  USER_DS = 0x2b
};
#define SCRATCH 0x10000000UL
#define CODE 0x20000000UL

struct st {
  uint64_t significand;
  uint16_t sign_exponent;
  uint16_t pad[3];
};

struct poke {
  uint32_t offset;
  uint32_t length;
  uint8_t bytes[32];
};

struct request {
  uint32_t code_size; /* 8: 64-bit mode, 4: compatibility mode */
  uint32_t code_offset;
  uint32_t code_length;
  uint32_t poke_count;
  uint8_t code[MAX_CODE];
  uint64_t gpr[16];
  uint64_t rflags;
  uint64_t fs_base;
  uint64_t gs_base;
  uint32_t mxcsr;
  uint16_t fcw;
  uint16_t fsw;
  uint16_t ftw;
  uint16_t fop;
  uint32_t pad;
  uint64_t fip;
  uint64_t fdp;
  struct st st[8];
  uint64_t ymm[16][4];
  struct poke pokes[MAX_POKES];
};

struct response {
  uint32_t vector;
  uint32_t error;
  uint64_t cr2;
  uint64_t rip;
  uint64_t gpr[16];
  uint64_t rflags;
  uint64_t fs_base;
  uint64_t gs_base;
  uint32_t mxcsr;
  uint16_t fcw;
  uint16_t fsw;
  uint16_t ftw;
  uint16_t fop;
  uint32_t change_count;
  uint64_t fip;
  uint64_t fdp;
  struct st st[8];
  uint64_t ymm[16][4];
  uint16_t selector[6]; /* ES CS SS DS FS GS */
  uint16_t pad[2];
};

struct change {
  uint64_t offset;
  uint64_t value;
};

_Static_assert(sizeof(struct request) == 1064, "request layout");
_Static_assert(sizeof(struct response) == 864, "response layout");

/* The legacy area of an XSAVE image, SDM volume 1, 10.5.1 and 13.4. */
struct fxsave {
  uint16_t fcw, fsw, ftw, fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  struct st st[8];
  uint64_t xmm[16][2];
  uint8_t rest[96];
  uint64_t xstate_bv;
  uint8_t header[56];
  uint64_t ymm_high[16][2];
};

static const int gpr_slots[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static char alternate_stack[1 << 16] __attribute__((aligned(64)));
static struct request requests[MAX_BATCH];
static char output[MAX_BATCH * (sizeof(struct response) + 64 * sizeof(struct change))];
static uint64_t pattern[SCRATCH_PAGES * PAGE / 8];
static uint8_t *code_alias;
static size_t output_length;
static uint32_t batch_count;
static uint32_t current;
static int running;
static uint64_t serial;
static uint64_t serial_at_tick;

static long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static void leave(int status) {
  call3(SYS_exit_group, status, 0, 0);
}

static void read_fully(void *target, size_t length) {
  char *p = target;
  while (length > 0) {
    long n = call3(SYS_read, 0, (long)p, (long)length);
    if (n == -4) {
      continue;
    }
    if (n <= 0) {
      leave(n == 0 ? 0 : 3);
    }
    p += n;
    length -= (size_t)n;
  }
}

static void flush_output(void) {
  char *p = output;
  while (output_length > 0) {
    long n = call3(SYS_write, 1, (long)p, (long)output_length);
    if (n == -4) {
      continue;
    }
    if (n <= 0) {
      leave(4);
    }
    p += n;
    output_length -= (size_t)n;
  }
}

static uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15UL;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9UL;
  x = (x ^ x >> 27) * 0x94D049BB133111EBUL;
  return x ^ x >> 31;
}

static uint64_t fs_base(void) {
  uint64_t base;
  __asm__ volatile("rdfsbase %0" : "=r"(base));
  return base;
}

static uint64_t gs_base(void) {
  uint64_t base;
  __asm__ volatile("rdgsbase %0" : "=r"(base));
  return base;
}

/* What the frame and the memory show is the result of the case that just ended. */
static void report(ucontext_t *context, uint32_t vector) {
  const struct request *q = &requests[current];
  if (sizeof output - output_length < sizeof(struct response) + sizeof pattern * 2) {
    flush_output();
  }
  struct response *out = (struct response *)(output + output_length);
  greg_t *g = context->uc_mcontext.gregs;
  const struct fxsave *fx = (const struct fxsave *)context->uc_mcontext.fpregs;
  memset(out, 0, sizeof *out);
  out->vector = vector;
  out->error = (uint32_t)g[REG_ERR];
  out->cr2 = (uint64_t)g[REG_CR2];
  out->rip = (uint64_t)g[REG_RIP];
  for (int i = 0; i < 16; i++) {
    out->gpr[i] = (uint64_t)g[gpr_slots[i]];
  }
  out->rflags = (uint64_t)g[REG_EFL];
  out->fs_base = fs_base();
  out->gs_base = gs_base();
  out->mxcsr = fx->mxcsr;
  out->fcw = fx->fcw;
  out->fsw = fx->fsw;
  out->ftw = fx->ftw & 0xFF;
  out->fop = fx->fop;
  out->fip = fx->fip;
  out->fdp = fx->fdp;
  for (int i = 0; i < 8; i++) {
    out->st[i].significand = fx->st[i].significand;
    out->st[i].sign_exponent = fx->st[i].sign_exponent;
  }
  for (int i = 0; i < 16; i++) {
    out->ymm[i][0] = fx->xmm[i][0];
    out->ymm[i][1] = fx->xmm[i][1];
    out->ymm[i][2] = fx->xstate_bv & 4 ? fx->ymm_high[i][0] : 0;
    out->ymm[i][3] = fx->xstate_bv & 4 ? fx->ymm_high[i][1] : 0;
  }
  uint64_t selectors = (uint64_t)g[REG_CSGSFS];
  uint16_t es, ds, fs, gs;
  __asm__ volatile("mov %%es, %0" : "=r"(es));
  __asm__ volatile("mov %%ds, %0" : "=r"(ds));
  __asm__ volatile("mov %%fs, %0" : "=r"(fs));
  __asm__ volatile("mov %%gs, %0" : "=r"(gs));
  out->selector[0] = es;
  out->selector[1] = (uint16_t)selectors;
  out->selector[2] = (uint16_t)(selectors >> 48);
  out->selector[3] = ds;
  out->selector[4] = fs;
  out->selector[5] = gs;
  output_length += sizeof *out;
  uint64_t *words = (uint64_t *)SCRATCH;
  uint64_t before[SCRATCH_PAGES * PAGE / 8];
  memcpy(before, pattern, sizeof before);
  for (uint32_t i = 0; i < q->poke_count; i++) {
    memcpy((char *)before + q->pokes[i].offset, q->pokes[i].bytes, q->pokes[i].length);
  }
  struct change *change = (struct change *)(output + output_length);
  for (uint32_t i = 0; i < sizeof before / 8; i++) {
    if (words[i] != before[i]) {
      change->offset = i * 8;
      change->value = words[i];
      change++;
      out->change_count++;
    }
  }
  output_length += out->change_count * sizeof *change;
  memset(code_alias + q->code_offset, 0xCC, q->code_length);
}

static void next_batch(void) {
  flush_output();
  read_fully(&batch_count, 4);
  if (batch_count == 0 || batch_count > MAX_BATCH) {
    leave(5);
  }
  read_fully(requests, batch_count * sizeof *requests);
  for (uint32_t i = 0; i < batch_count; i++) {
    struct request *q = &requests[i];
    if (q->code_length > MAX_CODE || q->code_offset > CODE_PAGES * PAGE - q->code_length ||
        q->poke_count > MAX_POKES) {
      leave(6);
    }
    for (uint32_t p = 0; p < q->poke_count; p++) {
      if (q->pokes[p].length > 32 || q->pokes[p].offset > SCRATCH_PAGES * PAGE - q->pokes[p].length) {
        leave(7);
      }
    }
  }
  current = 0;
}

/* Makes the frame and the memory those of the case to run when the signal returns. */
static void load(ucontext_t *context) {
  const struct request *q = &requests[current];
  greg_t *g = context->uc_mcontext.gregs;
  struct fxsave *fx = (struct fxsave *)context->uc_mcontext.fpregs;
  memcpy((void *)SCRATCH, pattern, sizeof pattern);
  for (uint32_t i = 0; i < q->poke_count; i++) {
    memcpy((char *)SCRATCH + q->pokes[i].offset, q->pokes[i].bytes, q->pokes[i].length);
  }
  memcpy(code_alias + q->code_offset, q->code, q->code_length);
  for (int i = 0; i < 16; i++) {
    g[gpr_slots[i]] = (greg_t)q->gpr[i];
  }
  g[REG_RIP] = (greg_t)(CODE + q->code_offset);
  g[REG_EFL] = (greg_t)(q->rflags | 0x202);
  int compatibility = q->code_size == 4;
  g[REG_CSGSFS] = (greg_t)((uint64_t)USER_DS << 48 | (compatibility ? USER32_CS : USER_CS));
  fx->fcw = q->fcw;
  fx->fsw = q->fsw;
  fx->ftw = q->ftw & 0xFF;
  fx->fop = q->fop;
  fx->fip = q->fip;
  fx->fdp = q->fdp;
  fx->mxcsr = q->mxcsr & 0xFFFF;
  for (int i = 0; i < 8; i++) {
    fx->st[i].significand = q->st[i].significand;
    fx->st[i].sign_exponent = q->st[i].sign_exponent;
  }
  for (int i = 0; i < 16; i++) {
    fx->xmm[i][0] = q->ymm[i][0];
    fx->xmm[i][1] = q->ymm[i][1];
    fx->ymm_high[i][0] = q->ymm[i][2];
    fx->ymm_high[i][1] = q->ymm[i][3];
  }
  fx->xstate_bv |= 7;
  uint16_t data = compatibility ? USER_DS : 0;
  __asm__ volatile("mov %0, %%ds" : : "r"(data));
  __asm__ volatile("mov %0, %%es" : : "r"(data));
  __asm__ volatile("mov %0, %%fs" : : "r"(data));
  __asm__ volatile("mov %0, %%gs" : : "r"(data));
  if (!compatibility) {
    __asm__ volatile("wrfsbase %0" : : "r"(q->fs_base));
    __asm__ volatile("wrgsbase %0" : : "r"(q->gs_base));
  }
  running = 1;
  serial++;
}

static void advance(ucontext_t *context, uint32_t vector) {
  if (running) {
    report(context, vector);
    running = 0;
    current++;
  }
  if (current == batch_count) {
    next_batch();
  }
  load(context);
}

void on_exception(int signal, siginfo_t *info, ucontext_t *context) {
  (void)signal;
  (void)info;
  advance(context, (uint32_t)context->uc_mcontext.gregs[REG_TRAPNO]);
}

/* A case that is still the same at the second tick does not end by itself. */
void on_tick(int signal, siginfo_t *info, ucontext_t *context) {
  (void)signal;
  (void)info;
  if (running && serial == serial_at_tick) {
    advance(context, VECTOR_TIMEOUT);
  }
  serial_at_tick = serial;
}

/* The kernel leaves AC, NT and ID as the case had them, and a return from a signal does not load NT and ID. */
void exception_entry(void);
void tick_entry(void);
__asm__("exception_entry: pushfq; andl $~0x244000, (%rsp); popfq; jmp on_exception\n"
        "tick_entry: pushfq; andl $~0x244000, (%rsp); popfq; jmp on_tick\n");

static int map_memory(void) {
  void *scratch = mmap((void *)SCRATCH, SCRATCH_PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int file = memfd_create("code", 0);
  if (scratch != (void *)SCRATCH || file < 0 || ftruncate(file, CODE_PAGES * PAGE) != 0) {
    return 0;
  }
  void *code =
      mmap((void *)CODE, CODE_PAGES * PAGE, PROT_READ | PROT_EXEC, MAP_FIXED_NOREPLACE | MAP_SHARED, file, 0);
  code_alias = mmap(0, CODE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (code != (void *)CODE || code_alias == MAP_FAILED) {
    return 0;
  }
  memset(code_alias, 0xCC, CODE_PAGES * PAGE);
  volatile char *touch = code;
  for (int i = 0; i < CODE_PAGES; i++) {
    (void)touch[i * PAGE];
  }
  for (uint32_t i = 0; i < sizeof pattern / 8; i++) {
    pattern[i] = mix(i);
  }
  return 1;
}

int main(void) {
  static const int exceptions[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS};
  stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  struct itimerval interval = {{0, 100000}, {0, 100000}};
  if (!(getauxval(AT_HWCAP2) & 2)) { /* RDFSBASE and its kin are not enabled */
    return 8;
  }
  sigaltstack(&stack, 0);
  sigfillset(&action.sa_mask);
  for (unsigned i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))exception_entry;
    sigaction(exceptions[i], &action, 0);
  }
  action.sa_sigaction = (void (*)(int, siginfo_t *, void *))tick_entry;
  sigaction(SIGPROF, &action, 0);
  setitimer(ITIMER_PROF, &interval, 0);
  if (!map_memory()) {
    return 9;
  }
  __asm__ volatile("int3");
  return 10;
}
