//! utility
