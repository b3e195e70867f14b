/*
 * Writes and reads a disk at random places, past the page cache and with many requests in flight, and checks each block
 * that it reads: which it is, in which generation, and its checksum.
 *   verify DISK REQUESTS
 * Each of THREADS has a part of the disk to itself. At the end all blocks are read once more. Says how much was verified, or
 * what was wrong with the first bad block. The disk loses what it holds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 4, DEPTH = 32, BLOCK = 4096, WORDS = BLOCK / 8, MOST_BLOCKS = 8, FLUSH_EVERY = 500 };

/* Number, generation, checksum of all else; then what follows from both. */
enum { NUMBER, GENERATION, CHECKSUM, CONTENT };

struct slot {
  struct iocb request;
  uint64_t *memory;
  uint64_t first, count;
};

struct part {
  pthread_t thread;
  int disk;
  uint64_t first, blocks, requests, flushes, state;
  uint32_t *generations;
  char *busy;
};

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static void die(const char *what, uint64_t block, uint64_t is, uint64_t expected) {
  printf("block %llu: %s is %llx, not %llx\n", (unsigned long long)block, what, (unsigned long long)is,
         (unsigned long long)expected);
  fflush(stdout);
  _exit(1);
}

static uint64_t checksum(const uint64_t *block) {
  uint64_t sum = block[NUMBER] * 31 + block[GENERATION];
  for (int i = CONTENT; i < WORDS; i++) {
    sum = sum * 0x9E3779B97F4A7C15u + block[i];
  }
  return sum;
}

static void fill(uint64_t *block, uint64_t number, uint64_t generation) {
  uint64_t state = (number << 32 | generation) * 2654435761u + 1;
  block[NUMBER] = number;
  block[GENERATION] = generation;
  for (int i = CONTENT; i < WORDS; i++) {
    block[i] = next_random(&state);
  }
  block[CHECKSUM] = checksum(block);
}

static void check(const uint64_t *block, uint64_t number, uint64_t generation) {
  if (block[NUMBER] != number) {
    die("the number", number, block[NUMBER], number);
  } else if (block[GENERATION] != generation) {
    die("the generation", number, block[GENERATION], generation);
  } else if (block[CHECKSUM] != checksum(block)) {
    die("the checksum", number, block[CHECKSUM], checksum(block));
  }
}

/* Blocks that no other request is about; those that were never written are written. */
static int prepare(struct part *part, struct slot *slot, int index, int writing) {
  slot->first = next_random(&part->state) % part->blocks;
  slot->count = 1 + next_random(&part->state) % MOST_BLOCKS;
  if (slot->first + slot->count > part->blocks) {
    slot->count = part->blocks - slot->first;
  }
  for (uint64_t i = 0; i < slot->count; i++) {
    if (part->busy[slot->first + i]) {
      return 0;
    }
    writing |= part->generations[slot->first + i] == 0;
  }
  for (uint64_t i = 0; i < slot->count; i++) {
    uint64_t block = slot->first + i;
    part->busy[block] = 1;
    if (writing) {
      fill(slot->memory + i * WORDS, part->first + block, ++part->generations[block]);
    }
  }
  slot->request = (struct iocb){.aio_data = index,
                                .aio_fildes = part->disk,
                                .aio_lio_opcode = writing ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                                .aio_buf = (uint64_t)(uintptr_t)slot->memory,
                                .aio_nbytes = slot->count * BLOCK,
                                .aio_offset = (part->first + slot->first) * BLOCK};
  return 1;
}

static void finish(struct part *part, struct slot *slot, long long result) {
  if (result != (long long)(slot->count * BLOCK)) {
    die("the result", part->first + slot->first, result, slot->count * BLOCK);
  }
  for (uint64_t i = 0; i < slot->count; i++) {
    uint64_t block = slot->first + i;
    part->busy[block] = 0;
    if (slot->request.aio_lio_opcode == IOCB_CMD_PREAD) {
      check(slot->memory + i * WORDS, part->first + block, part->generations[block]);
    }
  }
}

static void *run(void *argument) {
  struct part *part = argument;
  struct slot slots[DEPTH];
  int idle[DEPTH], idles = DEPTH;
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, DEPTH, &context) != 0) {
    die("io_setup", part->first, errno, 0);
  }
  for (int i = 0; i < DEPTH; i++) {
    slots[i].memory = aligned_alloc(BLOCK, MOST_BLOCKS * BLOCK);
    idle[i] = i;
  }
  for (uint64_t sent = 0; sent < part->requests || idles < DEPTH;) {
    while (idles > 0 && sent < part->requests) {
      int index = idle[idles - 1];
      struct iocb *request = &slots[index].request;
      if (!prepare(part, &slots[index], index, next_random(&part->state) & 1)) {
        break;
      }
      if (syscall(SYS_io_submit, context, 1, &request) != 1) {
        die("io_submit", part->first, errno, 0);
      }
      idles--;
      sent++;
      if (sent % FLUSH_EVERY == 0) {
        part->flushes++;
        if (fdatasync(part->disk) != 0) {
          die("fdatasync", part->first, errno, 0);
        }
      }
    }
    struct io_event events[DEPTH];
    int count = idles == DEPTH ? 0 : syscall(SYS_io_getevents, context, 1, DEPTH, events, 0);
    for (int i = 0; i < count; i++) {
      finish(part, &slots[events[i].data], events[i].res);
      idle[idles++] = events[i].data;
    }
  }
  for (uint64_t block = 0; block < part->blocks; block++) {
    if (part->generations[block] > 0) {
      if (pread(part->disk, slots[0].memory, BLOCK, (part->first + block) * BLOCK) != BLOCK) {
        die("pread", part->first + block, errno, 0);
      }
      check(slots[0].memory, part->first + block, part->generations[block]);
    }
  }
  return 0;
}

int main(int count, char **words) {
  int disk = count == 3 ? open(words[1], O_RDWR | O_DIRECT) : -1;
  off_t size = disk < 0 ? 0 : lseek(disk, 0, SEEK_END);
  if (size < THREADS * DEPTH * MOST_BLOCKS * BLOCK) {
    printf("no disk, or too small: %s\n", strerror(errno));
    return 2;
  }
  struct part parts[THREADS];
  uint64_t requests = 0, flushes = 0;
  for (int i = 0; i < THREADS; i++) {
    uint64_t blocks = size / BLOCK / THREADS;
    parts[i] = (struct part){.disk = disk,
                             .first = i * blocks,
                             .blocks = blocks,
                             .requests = strtoull(words[2], 0, 10) / THREADS,
                             .state = 88172645463325252u + i,
                             .generations = calloc(blocks, sizeof(uint32_t)),
                             .busy = calloc(blocks, 1)};
    pthread_create(&parts[i].thread, 0, run, &parts[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(parts[i].thread, 0);
    requests += parts[i].requests;
    flushes += parts[i].flushes;
  }
  printf("verified %llu requests, %llu flushes\n", (unsigned long long)requests, (unsigned long long)flushes);
  return 0;
}
