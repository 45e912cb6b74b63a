//! What agents may do.
