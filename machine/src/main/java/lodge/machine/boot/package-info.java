/**
 * Kernel images and how a guest finds its world at boot: Linux and PVH boot protocols, memory map,
 * ACPI tables.
 */
package lodge.machine.boot;
