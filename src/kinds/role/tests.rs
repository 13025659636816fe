//! Roles: what they render to and what they may not reach.
