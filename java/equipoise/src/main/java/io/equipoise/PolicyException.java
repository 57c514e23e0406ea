package io.equipoise;

/** A policy file is corrupt, needs a newer reader, or is otherwise refused; codes start with {@code policy.}. */
public final class PolicyException extends EquipoiseException {
  private static final long serialVersionUID = 1L;

  PolicyException(String code, String argument, long index, String message) {
    super(code, argument, index, message);
  }
}
