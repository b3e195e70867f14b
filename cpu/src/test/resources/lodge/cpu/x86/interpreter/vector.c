// Runs single vector instructions on this processor. argv[1]: file of 16-byte code slots, padded with NOP.
// Reads cases from standard input, writes results to standard output; see VectorProcessor.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MEMORY 0x20000
#define XMMS 4
#define GPRS 6

typedef struct {
  uint32_t slot, mxcsr;
  uint64_t rflags, gpr[GPRS], mm[8], ymm[XMMS][4], memory[8];
} Case;

typedef struct {
  uint32_t signal, mxcsr;
  uint64_t rflags, gpr[GPRS], mm[8], tags, ymm[XMMS][4], memory[8];
} Result;

static const int xmm_number[XMMS] = {0, 1, 2, 9};

typedef struct {
  uint16_t control, status;
  uint8_t tags, pad;
  uint16_t opcode;
  uint64_t ip, dp;
  uint32_t mxcsr, mask;
  struct { uint64_t low, high; } st[8];
  uint64_t xmm[16][2];
  uint64_t rest[12];
} __attribute__((aligned(16))) Image;

Image fx_in, fx_out;
uint64_t gpr_in[GPRS], gpr_out[GPRS], flags_in, flags_out, saved_rsp;
// Without AVX the upper halves stay as they are.
uint64_t ymm_in[XMMS][4], ymm_out[XMMS][4];
uint8_t avx;
void *entry;
extern char run_back[], run_out[];
void run(void);

asm(
    ".intel_syntax noprefix\n"
    ".text\n.globl run\nrun:\n"
    "push rbx; push rbp; push r12; push r13; push r14; push r15\n"
    "mov [rip+saved_rsp], rsp\n"
    "fxrstor64 [rip+fx_in]\n"
    "cmp byte ptr [rip+avx],0; je 1f\n"
    "vmovdqu ymm0,[rip+ymm_in]; vmovdqu ymm1,[rip+ymm_in+32]\n"
    "vmovdqu ymm2,[rip+ymm_in+64]; vmovdqu ymm9,[rip+ymm_in+96]\n"
    "1:\n"
    "push [rip+flags_in]; popfq\n"
    "mov rax,[rip+gpr_in]; mov rcx,[rip+gpr_in+8]; mov rdx,[rip+gpr_in+16]\n"
    "mov rsi,[rip+gpr_in+24]; mov rdi,[rip+gpr_in+32]; mov r8,[rip+gpr_in+40]\n"
    "jmp [rip+entry]\n"
    ".globl run_back\nrun_back:\n"
    "mov [rip+gpr_out],rax; mov [rip+gpr_out+8],rcx; mov [rip+gpr_out+16],rdx\n"
    "mov [rip+gpr_out+24],rsi; mov [rip+gpr_out+32],rdi; mov [rip+gpr_out+40],r8\n"
    "pushfq; pop [rip+flags_out]\n"
    "fxsave64 [rip+fx_out]\n"
    "cmp byte ptr [rip+avx],0; je 1f\n"
    "vmovdqu [rip+ymm_out],ymm0; vmovdqu [rip+ymm_out+32],ymm1\n"
    "vmovdqu [rip+ymm_out+64],ymm2; vmovdqu [rip+ymm_out+96],ymm9\n"
    "1:\n"
    ".globl run_out\nrun_out:\n"
    "cld\n"
    "mov rsp,[rip+saved_rsp]\n"
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx\n"
    "ret\n"
    ".att_syntax\n");

static volatile int caught;

static void handler(int number, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  static const int regs[GPRS] = {REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_R8};
  caught = number;
  for (int i = 0; i < GPRS; i++) gpr_out[i] = u->uc_mcontext.gregs[regs[i]];
  // RF is set in the image of every fault.
  flags_out = u->uc_mcontext.gregs[REG_EFL] & ~0x10000;
  memcpy(&fx_out, u->uc_mcontext.fpregs, sizeof fx_out);
  // Behind the legacy image: a header that begins with the components that are there, the upper halves at 576.
  uint8_t *area = (uint8_t *)u->uc_mcontext.fpregs;
  for (int i = 0; avx && i < XMMS; i++) {
    memcpy(ymm_out[i], fx_out.xmm[xmm_number[i]], 16);
    memset(&ymm_out[i][2], 0, 16);
    if (area[512] & 4) memcpy(&ymm_out[i][2], area + 576 + 16 * xmm_number[i], 16);
  }
  ((Image *)u->uc_mcontext.fpregs)->mxcsr = 0x1f80;
  u->uc_mcontext.gregs[REG_RIP] = (greg_t)run_out;
}

int main(int argc, char **argv) {
  FILE *f = fopen(argv[1], "rb");
  if (!f) return 1;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  long slots = size / 16;
  // Each slot is followed by a jump back.
  uint8_t *code = mmap(0, slots * 32, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint8_t *memory = mmap((void *)MEMORY, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (code == MAP_FAILED || memory == MAP_FAILED) return 1;
  for (long i = 0; i < slots; i++) {
    if (fread(code + 32 * i, 16, 1, f) != 1) return 1;
    uint8_t jump[6] = {0xff, 0x25, 0, 0, 0, 0};
    void *back = run_back;
    memcpy(code + 32 * i + 16, jump, 6);
    memcpy(code + 32 * i + 22, &back, 8);
  }
  stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
  for (int i = 0; i < 4; i++) sigaction(signals[i], &action, 0);
  avx = __builtin_cpu_supports("avx") != 0;
  static Case c;
  static Result r;
  while (fread(&c, sizeof c, 1, stdin) == 1) {
    memset(&fx_in, 0, sizeof fx_in);
    fx_in.control = 0x37f;
    fx_in.status = 3 << 11;
    fx_in.tags = 0x0f;
    fx_in.mxcsr = c.mxcsr;
    // ST(i) is physical register (TOP + i) & 7; MMi is a physical register.
    for (int i = 0; i < 8; i++) fx_in.st[(i - 3) & 7].low = c.mm[i];
    for (int i = 0; i < XMMS; i++) memcpy(fx_in.xmm[xmm_number[i]], c.ymm[i], 16);
    memcpy(ymm_in, c.ymm, sizeof ymm_in);
    memcpy(ymm_out, c.ymm, sizeof ymm_out);
    memcpy(gpr_in, c.gpr, sizeof gpr_in);
    flags_in = c.rflags;
    memcpy(memory + 64, c.memory, sizeof c.memory);
    entry = code + 32 * (uint64_t)c.slot;
    caught = 0;
    run();
    asm volatile("fninit");
    uint32_t plain = 0x1f80;
    asm volatile("ldmxcsr %0" ::"m"(plain));
    r.signal = caught;
    r.mxcsr = fx_out.mxcsr;
    r.rflags = flags_out;
    memcpy(r.gpr, gpr_out, sizeof gpr_out);
    int top = fx_out.status >> 11 & 7;
    r.tags = fx_out.tags | top << 8;
    for (int i = 0; i < 8; i++) {
      r.mm[i] = fx_out.st[(i - top) & 7].low;
      r.tags |= (uint64_t)((fx_out.st[(i - top) & 7].high & 0xffff) == 0xffff) << (16 + i);
    }
    for (int i = 0; i < XMMS; i++) memcpy(ymm_out[i], fx_out.xmm[xmm_number[i]], 16);
    memcpy(r.ymm, ymm_out, sizeof r.ymm);
    memcpy(r.memory, memory + 64, sizeof r.memory);
    fwrite(&r, sizeof r, 1, stdout);
  }
  return 0;
}
