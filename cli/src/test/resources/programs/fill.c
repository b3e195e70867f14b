/* Writes files of a pattern, reads them back and prints a checksum of what it read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>

#define WORDS (1 << 17)
static uint64_t block[WORDS];

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  int megabytes = atoi(argv[2]);
  uint64_t state = 42, sum = 0;
  char name[256];
  for (int i = 0; i < megabytes; i++) {
    for (int k = 0; k < WORDS; k++)
      block[k] = state += 0x9E3779B97F4A7C15ull;
    snprintf(name, sizeof name, "%s/part-%d", argv[1], i / 10);
    int file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || write(file, block, sizeof block) != sizeof block) {
      perror(name);
      return 1;
    }
    close(file);
  }
  for (int i = 0; i * 10 < megabytes; i++) {
    snprintf(name, sizeof name, "%s/part-%d", argv[1], i);
    int file = open(name, O_RDONLY);
    ssize_t n;
    while ((n = read(file, block, sizeof block)) > 0)
      for (int k = 0; k < n / 8; k++)
        sum = (sum << 7 | sum >> 57) ^ block[k];
    close(file);
    unlink(name);
  }
  printf("%d MB, checksum %016llx\n", megabytes, (unsigned long long)sum);
  return 0;
}
