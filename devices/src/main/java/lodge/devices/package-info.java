/**
 * The chips of a PC, one file a chip, each reading like its data sheet.
 *
 * <pre>
 *   Uart16550, CmosRtc, Pit8254, I8042, AcpiPm      interrupt lines      messages
 *         ------------------------------------------> Pic8259 --LINT0--> LocalApic (one a vCPU) --> vCPU
 *                                                     IoApic --ApicBus-->     ^
 *                                                                 ^----------/  interprocessor interrupts
 * </pre>
 *
 * <p>A chip answers on the port or memory bus as a {@link lodge.core.BusDevice}; a chip with
 * several port ranges hands out one {@code BusDevice} for each. All methods may be called from any
 * thread. Lock order: a device, then {@link lodge.devices.Pic8259} or {@link lodge.devices.IoApic},
 * then {@link lodge.devices.LocalApic}, then the clock. Callbacks (reset, power-off, character
 * output, kicks) are called with no lock held, except that {@link lodge.devices.LocalApic}'s kick
 * may come while the device that raised the interrupt holds its own.
 */
package lodge.devices;
