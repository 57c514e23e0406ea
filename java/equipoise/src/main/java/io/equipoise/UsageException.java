package io.equipoise;

/** An object was used after it was closed, in an order or from a thread that is not allowed; codes start with {@code usage.}. */
public final class UsageException extends EquipoiseException {
  private static final long serialVersionUID = 1L;

  static final String CLOSED = "usage.closed";
  static final String CONCURRENT = "usage.concurrent";
  static final String NOT_BEGUN = "usage.not_begun";
  static final String LIBRARY = "usage.library";

  UsageException(String code, String argument, long index, String message) {
    super(code, argument, index, message);
  }
}
