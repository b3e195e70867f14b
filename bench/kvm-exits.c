/*
 * The least that exits of a guest on /dev/kvm cost: a loop around KVM_RUN. Prints for each kind of exit how many there
 * are in a second, and for a loop that computes the nanoseconds that it takes in the guest and outside of one. The guests
 * are those of KvmBench.java.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

enum { CODE = 0x8000, HANDLER = 0x9000, VECTOR = 0x21, IRET = 0xCF, MEMORY = 0xA0000, EXITS = 50000, TURNS = 2000000 };

static const unsigned char port[] = {0xBA, 0x00, 0x05, 0xEE, 0xEB, 0xFD};              /* mov dx, 0x500; out dx, al */
static const unsigned char mmio[] = {0xB8, 0x00, 0xA0, 0x8E, 0xD8, 0xA2, 0, 0, 0xEB, 0xFB}; /* mov [0xa0000], al */
/* sti; 1: hlt; jmp 1b. What wakes it up is an interrupt whose handler is IRET. */
static const unsigned char hlt[] = {0xFB, 0xF4, 0xEB, 0xFD};
/* mov ecx, TURNS; 1: imul eax, ecx; add eax, ecx; dec ecx; jnz 1b; hlt */
static const unsigned char compute[] = {0x66, 0xB9, 0x80, 0x84, 0x1E, 0x00, 0x66, 0x0F, 0xAF, 0xC1, 0x66,
                                        0x01, 0xC8, 0x66, 0x49, 0x75, 0xF5, 0xF4};

static int kvm;

static void check(int result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* Seconds until a guest has come out so often. */
static double run(const unsigned char *code, size_t length, int exits) {
  int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  check(vm, "KVM_CREATE_VM");
  check(ioctl(vm, KVM_SET_TSS_ADDR, 0xFEFFD000UL), "KVM_SET_TSS_ADDR");
  char *memory = mmap(0, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(memory + CODE, code, length);
  memory[4 * VECTOR + 1] = HANDLER >> 8;
  memory[HANDLER] = (char)IRET;
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  check(vcpu, "KVM_CREATE_VCPU");
  size_t size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  struct kvm_run *shared = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  struct kvm_sregs sregs;
  check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = sregs.cs.selector = 0;
  check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs = {.rip = CODE, .rflags = 2, .rsp = 0x7000};
  struct kvm_interrupt interrupt = {.irq = VECTOR};
  check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  double start = now();
  for (int i = 0; i < exits; i++) {
    int result;
    do {
      result = ioctl(vcpu, KVM_RUN, 0);
    } while (result < 0 && errno == EINTR);
    check(result, "KVM_RUN");
    if (shared->exit_reason != KVM_EXIT_IO && shared->exit_reason != KVM_EXIT_MMIO &&
        shared->exit_reason != KVM_EXIT_HLT) {
      fprintf(stderr, "exit %u\n", shared->exit_reason);
      exit(1);
    }
    if (shared->exit_reason == KVM_EXIT_HLT && shared->ready_for_interrupt_injection) {
      check(ioctl(vcpu, KVM_INTERRUPT, &interrupt), "KVM_INTERRUPT");
    }
  }
  return now() - start;
}

static double native(void) {
  double start = now();
  uint32_t a = 0, n = TURNS;
  __asm__ volatile("1: imul %1, %0; add %1, %0; dec %1; jnz 1b" : "+r"(a), "+r"(n));
  return now() - start;
}

int main(void) {
  kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  check(kvm, "/dev/kvm");
  printf("port %.0f\n", EXITS / run(port, sizeof port, EXITS));
  printf("mmio %.0f\n", EXITS / run(mmio, sizeof mmio, EXITS));
  printf("hlt %.0f\n", EXITS / run(hlt, sizeof hlt, EXITS));
  printf("guest %.3f\n", run(compute, sizeof compute, 1) * 1e9 / TURNS);
  printf("native %.3f\n", native() * 1e9 / TURNS);
  return 0;
}
