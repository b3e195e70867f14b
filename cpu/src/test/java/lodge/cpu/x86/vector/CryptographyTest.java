package lodge.cpu.x86.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.SplittableRandom;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** Whole algorithms put together from the instructions' steps, against the platform's own. */
class CryptographyTest {
  private final SplittableRandom random = new SplittableRandom(42);

  private byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  // ---------------------------------------------------------------- AES

  /** Round keys of AES-128, two lanes each, as code with AESKEYGENASSIST expands them. */
  private static long[] expand(byte[] key) {
    long[] keys = new long[22];
    keys[0] = little(key).getLong(0);
    keys[1] = little(key).getLong(8);
    int constant = 1;
    for (int i = 2; i < 22; i += 2) {
      int word = (int) (Aes.keyAssist(keys[i - 1], constant) >>> 32);
      int w0 = (int) keys[i - 2] ^ word;
      int w1 = (int) (keys[i - 2] >>> 32) ^ w0;
      int w2 = (int) keys[i - 1] ^ w1;
      int w3 = (int) (keys[i - 1] >>> 32) ^ w2;
      keys[i] = w0 & 0xFFFF_FFFFL | (long) w1 << 32;
      keys[i + 1] = w2 & 0xFFFF_FFFFL | (long) w3 << 32;
      constant = constant << 1 ^ (constant >> 7) * 0x11B;
    }
    return keys;
  }

  private static byte[] encrypt(long[] keys, byte[] block) {
    long low = little(block).getLong(0) ^ keys[0];
    long high = little(block).getLong(8) ^ keys[1];
    for (int i = 2; i < 20; i += 2) {
      long next = Aes.encryptLow(low, high) ^ keys[i];
      high = Aes.encryptHigh(low, high) ^ keys[i + 1];
      low = next;
    }
    byte[] result = new byte[16];
    little(result).putLong(Aes.encryptLastLow(low, high) ^ keys[20]);
    little(result).putLong(8, Aes.encryptLastHigh(low, high) ^ keys[21]);
    return result;
  }

  /** The equivalent inverse cipher, with AESIMC on the inner round keys. */
  private static byte[] decrypt(long[] keys, byte[] block) {
    long low = little(block).getLong(0) ^ keys[20];
    long high = little(block).getLong(8) ^ keys[21];
    for (int i = 18; i > 0; i -= 2) {
      long next = Aes.decryptLow(low, high) ^ Aes.unmix(keys[i]);
      high = Aes.decryptHigh(low, high) ^ Aes.unmix(keys[i + 1]);
      low = next;
    }
    byte[] result = new byte[16];
    little(result).putLong(Aes.decryptLastLow(low, high) ^ keys[0]);
    little(result).putLong(8, Aes.decryptLastHigh(low, high) ^ keys[1]);
    return result;
  }

  @Test
  void aesGivesTheStandardsExample() {
    byte[] key = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
    byte[] plain = HexFormat.of().parseHex("00112233445566778899aabbccddeeff");
    byte[] secret = encrypt(expand(key), plain);
    assertThat(secret).asHexString().isEqualTo("69C4E0D86A7B0430D8CDB78070B4C55A");
    assertThat(decrypt(expand(key), secret)).isEqualTo(plain);
  }

  @Test
  void aesDoesWhatThePlatformsCipherDoes() throws GeneralSecurityException {
    for (int i = 0; i < 200; i++) {
      byte[] key = bytes(16);
      byte[] plain = bytes(16);
      Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
      byte[] secret = cipher.doFinal(plain);
      assertThat(encrypt(expand(key), plain)).isEqualTo(secret);
      assertThat(decrypt(expand(key), secret)).isEqualTo(plain);
    }
  }

  // ---------------------------------------------------------------- SHA

  private static byte[] padded(byte[] message) {
    int blocks = (message.length + 9 + 63) / 64;
    ByteBuffer out = ByteBuffer.allocate(64 * blocks).put(message).put((byte) 0x80);
    return out.putLong(64 * blocks - 8, 8L * message.length).array();
  }

  private static long pair(int low, int high) {
    return low & 0xFFFF_FFFFL | (long) high << 32;
  }

  /** SHA-1 with vectors whose first word is at the top, as the instructions want them. */
  private static byte[] sha1(byte[] message) {
    int[] h = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    byte[] blocks = padded(message);
    for (int from = 0; from < blocks.length; from += 64) {
      // Twenty vectors of four words, two lanes each.
      long[] w = new long[40];
      ByteBuffer block = ByteBuffer.wrap(blocks, from, 64);
      for (int i = 0; i < 4; i++) {
        w[2 * i + 1] = block.getLong();
        w[2 * i + 1] = pair((int) w[2 * i + 1], (int) (w[2 * i + 1] >>> 32));
        w[2 * i] = block.getLong();
        w[2 * i] = pair((int) w[2 * i], (int) (w[2 * i] >>> 32));
      }
      for (int i = 8; i < 40; i += 2) {
        // SHA1MSG1, PXOR, SHA1MSG2.
        long low = w[i - 8] ^ w[i - 5] ^ w[i - 4];
        long high = w[i - 7] ^ w[i - 8] ^ w[i - 3];
        Sha.message2(low, high, w[i - 2], w[i - 1], w, i);
      }
      long[] state = {pair(h[3], h[2]), pair(h[1], h[0])};
      long e = (long) h[4] << 32;
      for (int i = 0; i < 20; i++) {
        long eHigh = i == 0 ? e + w[1] : Sha.nextE(e, w[2 * i + 1]);
        long before = state[1];
        Sha.rounds(state[0], state[1], w[2 * i], eHigh, i / 5, state, 0);
        e = before;
      }
      h[0] += (int) (state[1] >>> 32);
      h[1] += (int) state[1];
      h[2] += (int) (state[0] >>> 32);
      h[3] += (int) state[0];
      h[4] += Integer.rotateLeft((int) (e >>> 32), 30);
    }
    ByteBuffer out = ByteBuffer.allocate(20);
    for (int word : h) {
      out.putInt(word);
    }
    return out.array();
  }

  private static final int[] START_256 = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19
  };

  /** The first 32 bits of the fractions of the cube roots of the first 64 primes. */
  private static int[] constants256() {
    int[] constants = new int[64];
    int count = 0;
    for (int candidate = 2; count < 64; candidate++) {
      if (BigInteger.valueOf(candidate).isProbablePrime(50)) {
        BigInteger scaled = BigInteger.valueOf(candidate).shiftLeft(96);
        BigInteger root = BigInteger.ZERO;
        for (int bit = 40; bit >= 0; bit--) {
          BigInteger next = root.setBit(bit);
          root = next.pow(3).compareTo(scaled) <= 0 ? next : root;
        }
        constants[count++] = root.intValue();
      }
    }
    return constants;
  }

  private static byte[] sha256(byte[] message) {
    int[] constants = constants256();
    int[] h = START_256.clone();
    byte[] blocks = padded(message);
    for (int from = 0; from < blocks.length; from += 64) {
      long[] w = new long[32];
      ByteBuffer block = ByteBuffer.wrap(blocks, from, 64);
      for (int i = 0; i < 8; i++) {
        int low = block.getInt();
        w[i] = pair(low, block.getInt());
      }
      long[] sum = new long[2];
      for (int i = 8; i < 32; i += 2) {
        // SHA256MSG1, PALIGNR and PADDD, SHA256MSG2.
        Sha.message256First(w[i - 8], w[i - 7], w[i - 6], sum, 0);
        long low = Packed.add(sum[0], sevenBack(w, i), Packed.D);
        long high = Packed.add(sum[1], sevenBack(w, i + 1), Packed.D);
        Sha.message256Second(low, high, w[i - 1], w, i);
      }
      long[] abef = {pair(h[5], h[4]), pair(h[1], h[0])};
      long[] cdgh = {pair(h[7], h[6]), pair(h[3], h[2])};
      for (int i = 0; i < 32; i++) {
        long words = Packed.add(w[i], pair(constants[2 * i], constants[2 * i + 1]), Packed.D);
        Sha.rounds256(cdgh[0], cdgh[1], abef[0], abef[1], words, cdgh, 0);
        long[] swap = abef;
        abef = cdgh;
        cdgh = swap;
      }
      h[0] += (int) (abef[1] >>> 32);
      h[1] += (int) abef[1];
      h[4] += (int) (abef[0] >>> 32);
      h[5] += (int) abef[0];
      h[2] += (int) (cdgh[1] >>> 32);
      h[3] += (int) cdgh[1];
      h[6] += (int) (cdgh[0] >>> 32);
      h[7] += (int) cdgh[0];
    }
    ByteBuffer out = ByteBuffer.allocate(32);
    for (int word : h) {
      out.putInt(word);
    }
    return out.array();
  }

  /** The two words that stand seven words before those of a lane. */
  private static long sevenBack(long[] w, int lane) {
    return w[lane - 4] >>> 32 | w[lane - 3] << 32;
  }

  @Test
  void theShaStepsMakeTheAlgorithms() throws GeneralSecurityException {
    byte[] abc = "abc".getBytes(StandardCharsets.US_ASCII);
    assertThat(sha1(abc)).asHexString().startsWith("A9993E36");
    assertThat(sha256(abc)).asHexString().startsWith("BA7816BF");
    for (int length = 0; length < 200; length += 7) {
      byte[] message = bytes(length);
      assertThat(sha1(message)).isEqualTo(MessageDigest.getInstance("SHA-1").digest(message));
      assertThat(sha256(message)).isEqualTo(MessageDigest.getInstance("SHA-256").digest(message));
    }
  }

  // ---------------------------------------------------------------- carry-less multiplication

  @Test
  void carryLessProductsAreSumsOfShiftedFactors() {
    for (int i = 0; i < 20_000; i++) {
      long a = random.nextInt(4) == 0 ? -1L >>> random.nextInt(64) : random.nextLong();
      long b = random.nextInt(4) == 0 ? -1L << random.nextInt(64) : random.nextLong();
      long low = 0;
      long high = 0;
      for (int bit = 0; bit < 64; bit++) {
        if ((b >>> bit & 1) != 0) {
          low ^= a << bit;
          high ^= bit == 0 ? 0 : a >>> 64 - bit;
        }
      }
      assertThat(CarryLess.low(a, b)).isEqualTo(low);
      assertThat(CarryLess.high(a, b)).isEqualTo(high);
    }
  }
}
