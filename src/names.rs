//! Validated names: one type per meaning.
