/**
 * One virtual machine as an embeddable object.
 *
 * <p>{@link lodge.machine.Machine} is the door: it takes a specification, runs the guest on its own
 * threads and reports an {@link lodge.machine.Outcome}.
 */
package lodge.machine;
