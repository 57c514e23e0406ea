package io.equipoise;

/**
 * Any failure of this library. The {@linkplain #code() code} is stable and the same in Rust, Python and Java; the message names the
 * argument, the index and the value of every fault that was found. Nothing changes when a call throws.
 */
public class EquipoiseException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Code of a failure to allocate. */
  static final String MEMORY = "resource_exhausted.memory";

  /** The stable code of the first fault. */
  private final String code;
  /** What the first fault is about. */
  private final String argument;
  /** The row or element of the first fault, or -1. */
  private final long index;

  EquipoiseException(String code, String argument, long index, String message) {
    super(message);
    this.code = code;
    this.argument = argument;
    this.index = index;
  }

  /**
   * The stable code of the first fault.
   *
   * @return a code such as {@code invalid_input.shape}
   */
  public final String code() {
    return code;
  }

  /**
   * The argument, column or path of the first fault.
   *
   * @return a name, never null
   */
  public final String argument() {
    return argument;
  }

  /**
   * The row or element of the first fault.
   *
   * @return an index from 0, or -1 where there is none
   */
  public final long index() {
    return index;
  }

  /** The exception for a code, of the class that the code's family has. Also called by the native library, by name. */
  static EquipoiseException of(String code, String argument, long index, String message) {
    String family = code.substring(0, code.indexOf('.'));
    switch (family) {
      case "invalid_input":
      case "goal":
        return new InvalidInputException(code, argument, index, message);
      case "policy":
        return new PolicyException(code, argument, index, message);
      case "usage":
        return new UsageException(code, argument, index, message);
      case "internal":
        return new InternalException(code, argument, index, message);
      default:
        return new EquipoiseException(code, argument, index, message);
    }
  }

  /** The same for a fault found in Java, with the message in the form that the native library uses. */
  static EquipoiseException fault(String code, String argument, long index, String what) {
    String at = index < 0 ? argument : argument + "[" + index + "]";
    return of(code, argument, index, code + ": " + at + ": " + what);
  }
}
