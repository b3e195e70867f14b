/*
 * The first process of the guest that is measured. What follows "--" on the kernel's command line says what to do:
 *   bench SECONDS [KERNEL...]   runs /bench with these arguments
 *   idle SECONDS                says IDLE and sleeps
 *   nothing
 * Then the guest powers off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count > 2 && strcmp(words[1], "idle") == 0) {
    printf("IDLE\n");
    fflush(stdout);
    sleep((unsigned)atoi(words[2]));
  } else if (count > 2 && strcmp(words[1], "bench") == 0) {
    pid_t child = fork();
    if (child == 0) {
      execv("/bench", words + 1);
      _exit(127);
    }
    waitpid(child, 0, 0);
  }
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
