package lodge.devices.virtio;

/**
 * A key, a button, a movement or a lamp, in the numbers of Linux's input events.
 *
 * @param type such as {@link InputKind#EV_KEY}
 * @param code which key, button, axis or lamp
 * @param value 1 pressed or on, 0 released or off; of an axis where it is or how far it went
 */
public record InputEvent(int type, int code, int value) {}
