/**
 * Guests that do anything at all: random code in every mode, which must not harm the host, and
 * random code on two engines, which must agree.
 */
package lodge.cpu.x86.fuzz;
