package io.equipoise;

/** An argument or a request is wrong; codes start with {@code invalid_input.} or {@code goal.}. */
public final class InvalidInputException extends EquipoiseException {
  private static final long serialVersionUID = 1L;

  static final String IO = "invalid_input.io";
  static final String NULL = "invalid_input.null";
  static final String RANGE = "invalid_input.range";
  static final String ROW = "invalid_input.row";
  static final String SHAPE = "invalid_input.shape";
  static final String TOO_LARGE = "invalid_input.too_large";
  static final String UNICODE = "invalid_input.unicode";

  InvalidInputException(String code, String argument, long index, String message) {
    super(code, argument, index, message);
  }
}
