/**
 * What MMX and SSE instructions compute, as functions on 64-bit lanes, free of operands and faults.
 *
 * <p>Integer instructions are static functions of longs. An XMM register is two lanes, lowest
 * first, a YMM register four; an instruction that works within each 64-bit lane is one function
 * whatever the register size. Floating-point instructions are methods of {@link
 * lodge.cpu.x86.vector.SimdFloat}, which knows the MXCSR that governs them and collects the
 * exceptions that they raise:
 *
 * <pre>
 *   Packed  PackedMultiply  PackedShift  PackedShuffle     lanes of integers
 *      \        |               |           |
 *                PackedOperation                           the same by mnemonic
 *
 *   SimdFloat --&gt; SoftFloat                                fast in the default environment, exact in all
 *   FloatCompare  FloatConvert  Reciprocal                 over SimdFloat
 *
 *   StringCompare  Crc32c                                  SSE4.2
 * </pre>
 */
package lodge.cpu.x86.vector;
