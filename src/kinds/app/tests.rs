//! Apps: what is refused, and what they become.
