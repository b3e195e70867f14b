/**
 * The {@code lodge} command.
 *
 * <p>{@link lodge.cli.Lodge} is the door. {@link lodge.cli.RunCommand} puts a machine together and
 * {@link lodge.cli.Session} connects it to the terminal or the pipe that Lodge was started with.
 * {@link lodge.cli.CpuCommand} tells which processors there are, {@link lodge.cli.DoctorCommand}
 * what the host can do.
 */
package lodge.cli;
