package lodge.devices.virtio;

/** Control messages of a console (virtio 1.3, 5.3.6.2), in the order of their numbers. */
public enum ConsoleEvent {
  DEVICE_READY,
  DEVICE_ADD,
  DEVICE_REMOVE,
  PORT_READY,
  CONSOLE_PORT,
  RESIZE,
  PORT_OPEN,
  PORT_NAME
}
