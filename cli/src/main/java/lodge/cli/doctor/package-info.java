/**
 * What the host can do for virtual machines, and what would help where it cannot.
 *
 * <p>{@link lodge.cli.doctor.Doctor} has the table of all checks. A check looks at a {@link
 * lodge.cli.doctor.Host} and comes to a {@link lodge.cli.doctor.Finding}; it changes nothing.
 */
package lodge.cli.doctor;
