/** What people type: the {@code lodge} command, and the recipes of the guests that it can fetch. */
module lodge.cli {
  requires info.picocli;
  requires lodge.cpu;
  requires lodge.disk;
  requires lodge.machine;

  exports lodge.cli.guest;

  uses lodge.cpu.x86.Engine;

  opens lodge.cli to
      info.picocli;
}
