//! The inner loops of equipoise. Portable paths only so far; hand-written paths get a safe portable twin here each.
