/**
 * Guests by name: a {@link lodge.cli.guest.Recipe} says what one is made of, the {@link
 * lodge.cli.guest.GuestCache} fetches it once, and a {@link lodge.cli.guest.GuestSession} tells its
 * init what a boot is for.
 */
package lodge.cli.guest;
