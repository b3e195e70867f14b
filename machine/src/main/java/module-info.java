/**
 * One virtual machine as an object: board, boot protocols, lifecycle and vCPU threads. Engines come
 * as services.
 */
module lodge.machine {
  requires transitive lodge.core;
  requires transitive lodge.cpu;
  requires lodge.devices;

  exports lodge.machine;

  uses lodge.cpu.x86.Engine;
}
