//! The java binding.
