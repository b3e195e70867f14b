/** The x86-64 processor: its state and rules once, and the software engines over them. */
module lodge.cpu {
  requires transitive lodge.core;

  provides lodge.cpu.x86.Engine with
      lodge.cpu.x86.interpreter.InterpreterEngine,
      lodge.cpu.x86.translator.TranslatorEngine;

  exports lodge.cpu.x86;
  exports lodge.cpu.x86.interpreter;
  exports lodge.cpu.x86.decode;
  exports lodge.cpu.x86.vector;
  exports lodge.cpu.x86.x87;
}
