/* Reads every I/O port and pieces of every range of physical addresses: all of it has to answer somehow. */
#include <stdint.h>
#include <stdio.h>
#include <sys/io.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/mman.h>

int main(void) {
  if (iopl(3) != 0) {
    perror("iopl");
    return 1;
  }
  int ones = 0;
  for (int port = 0; port < 65536; port++) {
    if (port >= 0x3f0 && port < 0x400)
      continue; /* what is typed belongs to the shell */
    ones += inb(port) == 0xff;
    if (port < 65535)
      ones += inw(port) == 0xffff;
    if (port < 65533)
      ones += inl(port) == 0xffffffff;
  }
  printf("ports read, %s of them empty\n", ones > 150000 ? "most" : "few");
  for (int port = 0x1000; port < 0x2000; port++) {
    outb(0x5a, port);
    outw(0x5a5a, port);
    outl(0x5a5a5a5a, port);
  }
  printf("ports written\n");
  int memory = open("/dev/mem", O_RDWR);
  static const uint64_t places[] = {0xa0000, 0xc8000, 0xe0000000, 0xf0000000, 0xfd000000, 0xfef00000, 0xffc00000,
    0x8000000000, 0xff00000000};
  for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
    volatile uint32_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)places[i]);
    if (p == MAP_FAILED)
      continue;
    uint32_t first = p[0], last = p[1023];
    p[0] = first;
    p[5] = 0x12345678;
    (void)last;
  }
  printf("memory read and written\n");
  return 0;
}
