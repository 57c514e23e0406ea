//! The equipoise command line.
fn main() {}
