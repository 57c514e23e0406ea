package io.equipoise;

/** A bug in equipoise; the process goes on. Codes start with {@code internal.}. */
public final class InternalException extends EquipoiseException {
  private static final long serialVersionUID = 1L;

  InternalException(String code, String argument, long index, String message) {
    super(code, argument, index, message);
  }
}
